"""`python -m tfrec_combo.cli`, the same as the console script."""

from tfrec_combo.cli.main import main

if __name__ == "__main__":
  main()
