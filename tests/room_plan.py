"""The rooms of the house, the arrows between them as the imports have them, and the picture of both.

``python -m room_plan`` writes the picture into CONTRIBUTING.md (``./dev map``); a test compares it.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("policy", "postfix", "milter", "fleet", "commands")
PAGE = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- rooms: begin -->\n", "<!-- rooms: end -->\n"


def modules(root: Path = ROOT) -> list[Path]:
    """Return every module of ours."""
    return sorted(path for package in PACKAGES for path in (root / package).glob("**/*.py"))


def room_of(path: Path, root: Path = ROOT) -> str:
    """Return the room a module stands in, as a path from the root."""
    return str(path.parent.relative_to(root))


def imported(path: Path, root: Path = ROOT) -> set[str]:
    """Return the rooms a module imports from, its own left out; raises ValueError for a forbidden import.

    Across rooms an import is absolute, inside one it is relative.
    """
    own = room_of(path, root)
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            if any(alias.name.split(".")[0] == "domain_secure" for alias in node.names):
                raise ValueError(f"{path}:{node.lineno}: import names from a module, not the module's path")
        elif isinstance(node, ast.ImportFrom):
            names = (node.module or "").split(".")
            if node.level > 1:
                raise ValueError(f"{path}:{node.lineno}: an import that climbs")
            if node.level == 0 and names[0] == "domain_secure":
                room = _room(names[1:], root)
                if room == own:
                    raise ValueError(f"{path}:{node.lineno}: inside a room imports are relative")
                found.add(room)
    return found


def _room(names: list[str], root: Path) -> str:
    count = next(number for number in range(len(names), 0, -1) if root.joinpath(*names[:number]).is_dir())
    return "/".join(names[:count])


def arrows(root: Path = ROOT) -> dict[str, set[str]]:
    """Return which rooms each room knows."""
    known: dict[str, set[str]] = {}
    for path in modules(root):
        known.setdefault(room_of(path, root), set()).update(imported(path, root))
    return known


def circle(known: Mapping[str, Iterable[str]]) -> list[str]:
    """Return rooms that know each other in a circle, the first one twice; empty for none."""
    done: set[str] = set()

    def visit(room: str, way: list[str]) -> list[str]:
        if room in way:
            return [*way[way.index(room) :], room]
        if room in done:
            return []
        for other in sorted(known.get(room, ())):
            if found := visit(other, [*way, room]):
                return found
        done.add(room)
        return []

    for room in sorted(known):
        if found := visit(room, []):
            return found
    return []


def without_shortcuts(known: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the arrows from which all others follow: none that a longer way replaces."""
    reach: dict[str, set[str]] = {}

    def reached(room: str) -> set[str]:
        if room not in reach:
            reach[room] = set()
            for other in known.get(room, ()):
                reach[room] |= {other} | reached(other)
        return reach[room]

    return {
        room: {
            other
            for other in others
            if not any(other in reached(middle) for middle in others if middle != other)
        }
        for room, others in known.items()
    }


def picture(known: Mapping[str, set[str]]) -> str:
    """Return the picture: first the five folders, then the rooms inside each."""
    folders: dict[str, set[str]] = {
        name: {other.split("/")[0] for room in known if room.split("/")[0] == name for other in known[room]}
        - {name}
        for name in PACKAGES
    }
    parts = ["An arrow reads *knows*; what follows from two others is left out.\n", _mermaid(folders)]
    for name in PACKAGES:
        inside = {
            room: {other for other in others if other.startswith(f"{name}/")}
            for room, others in known.items()
            if room.startswith(f"{name}/")
        }
        parts.append(f"`{name}/`:\n\n{_mermaid(inside)}")
    return "\n".join(parts)


def _mermaid(known: Mapping[str, set[str]]) -> str:
    lines = ["```mermaid", "graph TD"]
    for room, others in sorted(without_shortcuts(known).items()):
        lines.append(f"    {room.replace('/', '_')}[{room.split('/')[-1]}]")
        lines.extend(
            f"    {room.replace('/', '_')} --> {other.replace('/', '_')}" for other in sorted(others)
        )
    return "\n".join([*lines, "```\n"])


def drawn(page: str, known: Mapping[str, set[str]]) -> str:
    """Return a page with the picture between its two marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{picture(known)}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(), arrows()))
