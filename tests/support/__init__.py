"""What the suites share: starting the real binaries, signing in as a person would, a test certificate authority."""
