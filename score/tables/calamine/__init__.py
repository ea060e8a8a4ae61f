"""Spreadsheets that cannot be written as they are (.xls, .xlsb, .ods): read by calamine."""
