"""`python -m neurallnet` is the console script `neurallnet`."""

from neurallnet.cli import main

if __name__ == "__main__":
    main()
