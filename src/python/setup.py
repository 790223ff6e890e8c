"""The parts of the wheel that pyproject.toml has no words for: it is one platform's, and every Python's."""

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel


class WithProgram(Distribution):
    def has_ext_modules(self) -> bool:
        return True


class AnyPython(bdist_wheel):
    def get_tag(self) -> tuple[str, str, str]:
        return ("py3", "none", super().get_tag()[2])


setup(distclass=WithProgram, cmdclass={"bdist_wheel": AnyPython})
