"""What is kept of large files that say which packages they hold: programs, Java's archives, databases of RPM."""
