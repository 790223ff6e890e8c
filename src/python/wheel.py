"""Makes the wheel of a program that is built already: `wheel.py PROGRAM FOLDER [CARGO…]`.

With a cargo command behind it (the one that built the program, so that nothing is compiled again) the program is linked once more,
against the oldest C library that the wheel is for, and the wheel has the tag that auditwheel finds to be true. Without one, the
program goes into a wheel for this machine as it is.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# The C library of RHEL 8, Debian 10 and Ubuntu 18.10.
GLIBC = "2.28"


def main(program: Path, into: Path, cargo: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="windrow-wheel-") as name:
        folder = Path(name)
        staged = stage(program, folder / "python")
        if cargo:
            link(cargo, staged / "windrow" / "_program" / "windrow", folder)
        pack(folder / "python", folder / "packed")
        into.mkdir(parents=True, exist_ok=True)
        (packed,) = (folder / "packed").glob("*.whl")
        for old in into.glob("windrow_cli-*.whl"):
            old.unlink()
        if cargo:
            packed = tag(packed, folder / "tagged")
        print(shutil.copy2(packed, into))


def stage(program: Path, folder: Path) -> Path:
    """The module with the program and its library beside it."""
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("wheel.py", "__pycache__"))
    inside = folder / "windrow" / "_program"
    inside.mkdir()
    shutil.copy(program, inside / "windrow")
    library = program.parent / "libduckdb.so"
    if library.exists():
        shutil.copy(library, inside)
        os.chmod(inside / "libduckdb.so", 0o755)
    for license in ROOT.glob("LICENSE-*"):
        shutil.copy(license, folder)
    duckdb = Path(os.environ.get("DUCKDB_LIB_DIR", "")) / "LICENSE"
    if os.environ.get("DUCKDB_LIB_DIR") and duckdb.exists():
        shutil.copy(duckdb, folder / "LICENSE-DUCKDB")
    version = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert version, "Cargo.toml has a version"
    (folder / "VERSION").write_text(version[1])
    return folder


def link(cargo: list[str], program: Path, folder: Path) -> None:
    """Links the program against the stubs of an old C library, by zig; the rest of it is what cargo compiled."""
    library, paths = compiled(cargo)
    linker = folder / "linker"
    target = f"{platform.machine()}-linux-gnu.{GLIBC}"
    linker.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ziglang cc -target {target} "$@"\n')
    linker.chmod(0o755)
    flags = [f"linker={linker}", "linker-features=-lld", "strip=symbols"]
    command = ["rustc", "--edition", "2024", "--crate-name", "windrow", str(ROOT / "src" / "main.rs")]
    command += ["--extern", f"windrow={library}", "-L", f"dependency={library.parent}", "-o", str(program)]
    command += [word for path in paths for word in ("-L", path)]
    command += [word for flag in flags for word in ("-C", flag)]
    program.unlink()
    subprocess.run(command, check=True)
    # A path of the old kind goes before LD_LIBRARY_PATH, where another version of the library may be.
    subprocess.run(["patchelf", "--force-rpath", "--set-rpath", "$ORIGIN", program], env=with_own_tools(), check=True)


def with_own_tools() -> dict[str, str]:
    """The environment in which patchelf is found, which is installed beside this Python."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def compiled(cargo: list[str]) -> tuple[Path, list[str]]:
    """The library that cargo made of the sources, and where it says that native libraries are."""
    told = subprocess.run([*cargo, "--message-format", "json-render-diagnostics"], check=True, stdout=subprocess.PIPE)
    messages = [json.loads(line) for line in told.stdout.splitlines()]
    paths = {path for message in messages for path in message.get("linked_paths", [])}
    artifacts = [message for message in messages if message["reason"] == "compiler-artifact"]
    (library,) = (
        Path(file)
        for artifact in artifacts
        if artifact["target"]["name"] == "windrow" and "lib" in artifact["target"]["kind"]
        for file in artifact["filenames"]
        if file.endswith(".rlib")
    )
    return library, sorted(paths)


def pack(module: Path, into: Path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(into), str(module)]
    subprocess.run(pip, check=True)


def tag(wheel: Path, into: Path) -> Path:
    """The same wheel with the tag of the oldest systems that it runs on, or an error where these are not the ones it is for."""
    tag = f"manylinux_{GLIBC.replace('.', '_')}_{platform.machine()}"
    repair = [sys.executable, "-m", "auditwheel", "repair", "--plat", tag, "--only-plat", "--wheel-dir", str(into), str(wheel)]
    done = subprocess.run(repair, env=with_own_tools(), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"auditwheel: {wheel.name} is no {tag}\n{done.stdout}{done.stderr}")
    (tagged,) = into.glob("*.whl")
    return tagged


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
