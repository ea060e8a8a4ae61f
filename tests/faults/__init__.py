"""What the disk, the kernel and the user may do to a run, done on purpose."""
