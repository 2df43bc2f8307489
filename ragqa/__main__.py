"""``python -m ragqa``: the command line."""

from ragqa.cli import main

main()
