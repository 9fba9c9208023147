"""The package is what it says: pinned whole, complete when built, light where it is imported, ruled by its Makefile."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))
CONSTRAINTS: Final = [
    line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf8").splitlines()
    if line and not line.startswith("#")
]
BUILDS_HDBSCAN: Final = {"cython", "setuptools", "wheel"}
FOR_OLDER_PYTHONS: Final = {"async-timeout"}


def test_every_constraint_pins_one_version_and_names_no_host() -> None:
    assert [line for line in CONSTRAINTS if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*==[0-9a-z.]+", line)] == []


def test_constraints_name_what_is_installed_and_nothing_else() -> None:
    installed = {name: metadata.version(name) for name in required(declared())}
    pinned = dict(line.split("==") for line in CONSTRAINTS)
    extra = BUILDS_HDBSCAN | FOR_OLDER_PYTHONS
    assert {name: version for name, version in pinned.items() if name not in extra} == {
        name: version for name, version in installed.items() if name not in extra
    }


def test_declared_dependencies_allow_the_pinned_versions() -> None:
    pinned = dict(line.split("==") for line in CONSTRAINTS)
    assert [str(need) for need in declared() if not need.specifier.contains(pinned[canonicalize_name(need.name)])] == []


def test_a_wheel_has_the_modules_scripts_samples_types_and_licence(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
        entry_points = archive.read(next(name for name in packed if name.endswith("entry_points.txt"))).decode()
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in ("dedup", "worker")
        for path in (ROOT / package).rglob("*")
        if path.suffix in {".py", ".lua", ".typed"}
    }
    assert {"dedup/py.typed", "worker/py.typed"} <= ours <= packed
    assert any(name.endswith(".lua") for name in ours)
    assert {f"worker/seeds/{path.name}" for path in (ROOT / "seeds").iterdir()} <= packed
    assert any(name.endswith("licenses/LICENSE") for name in packed)
    assert "dedup = worker.cli:main" in entry_points


def test_only_settings_read_the_environment() -> None:
    readers = {path.relative_to(ROOT).as_posix() for path in modules() if any(reads_environment(tree_of(path)))}
    assert readers == {"worker/settings.py"}


def test_a_client_loads_neither_celery_nor_numpy() -> None:
    script = "import sys, worker.client; print(*{'celery', 'kombu', 'numpy', 'scipy', 'sklearn'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout.split(), answer.stderr) == (0, [], "")


def test_what_is_imported_is_declared() -> None:
    distributions = metadata.packages_distributions()
    runtime = {canonicalize_name(Requirement(line).name) for line in PROJECT["project"]["dependencies"]}
    imported = {name for path in modules() for name in imports(tree_of(path))} - {"dedup", "worker"}
    foreign = sorted(imported - sys.stdlib_module_names)
    assert foreign
    assert [name for name in foreign if not runtime & set(map(canonicalize_name, distributions.get(name, [])))] == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is absent")
def test_make_alone_tells_what_each_command_does() -> None:
    environ = {**os.environ, "MAKEFLAGS": "", "MAKELEVEL": ""}
    told = subprocess.run(["make"], cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout
    commands = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf8"), re.MULTILINE)
    assert commands
    assert re.findall(r"^make ([a-z]+) +\S", told, re.MULTILINE) == commands[1].split()


def test_ci_runs_the_commands_a_developer_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "for target in test quality fault;" in script.read_text(encoding="utf8")


def declared() -> list[Requirement]:
    """What the project asks for on this machine, with the tools for developing and building it."""
    project = PROJECT["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"], *PROJECT["build-system"]["requires"]]
    needs = [Requirement(line) for line in wanted]
    return [need for need in needs if need.marker is None or need.marker.evaluate()]


def required(needs: Iterable[Requirement]) -> set[str]:
    """The names of these packages and of all that they need in turn on this machine."""
    waiting = list(packages(needs))
    seen: set[tuple[str, str]] = set()
    while waiting:
        package = waiting.pop()
        if package not in seen:
            seen.add(package)
            waiting += packages(needs_of(*package))
    return {name for name, _ in seen}


def packages(needs: Iterable[Requirement]) -> Iterator[tuple[str, str]]:
    """Each package asked for: once as it is ("") and once for each of its extras."""
    for need in needs:
        for extra in ("", *need.extras):
            yield canonicalize_name(need.name), extra


def needs_of(name: str, extra: str) -> Iterator[Requirement]:
    for need in map(Requirement, metadata.requires(name) or []):
        if need.marker is None or need.marker.evaluate({"extra": extra}):
            yield need


def modules() -> list[Path]:
    return [path for package in ("dedup", "worker") for path in sorted((ROOT / package).rglob("*.py"))]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf8"))


def imports(tree: ast.Module) -> Iterator[str]:
    """The top-level names of what a module imports, but for what only its types are of."""
    conditions = [one for one in ast.walk(tree) if isinstance(one, ast.If) and ast.unparse(one.test) == "TYPE_CHECKING"]
    of_types = {inner for one in conditions for inner in ast.walk(one)}
    for node in (one for one in ast.walk(tree) if one not in of_types):
        match node:
            case ast.Import(names=imported):
                yield from (alias.name.split(".")[0] for alias in imported)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.split(".")[0]


def reads_environment(tree: ast.Module) -> Iterator[bool]:
    names = {"environ", "environb", "getenv", "getenvb"}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name):
                yield name in names
            case ast.ImportFrom(module="os", names=imported):
                yield any(alias.name in names for alias in imported)
