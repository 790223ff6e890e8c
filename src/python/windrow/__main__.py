"""`windrow`, and `python -m windrow`: the program itself takes the place of this process."""

import os
import sys

from windrow import path


def main() -> None:
    program = path()
    try:
        os.execv(program, ["windrow", *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"windrow: {program} cannot be started: {error}")


if __name__ == "__main__":
    main()
