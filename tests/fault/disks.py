"""The disk below the state folder: full, read-only, silent, emptied, gone, and cut off from power.

The state lies on an ext4 file system on a loop device of its own; Postfix's queue does not: how that is kept
is Postfix's own matter.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from .load import Load
from .requirements import why_not
from .scene import Keeper, Scene
from lab.namespaces import LabError, Namespaces
from lab.path_unit import PathUnit
from lab.product import STATE, USER, Product
from promises import Part, Promise

_IMAGE, _COPY = Path("/run/lab/state.img"), Path("/run/lab/state-copy.img")
_MEBIBYTES = 24
# The kernel writes nothing by itself: what is on the device was synced by who wrote it.
_OPTIONS = "loop,commit=300,errors=remount-ro"


def disk(quick: bool) -> list[Promise]:
    """Full, full while the daemon starts, read-only, and one on which every write hangs."""
    with Scene.made("disk", _on_a_disk) as scene, Keeper(scene.product):
        seconds = 2 if quick else 6
        found = scene.under("full disk", partial(_full, scene), seconds)
        if quick:
            return found
        found += scene.under("full disk, daemon killed", partial(_full, scene, kills=True), seconds)
        found += scene.under("read-only disk", partial(_read_only, scene), seconds)
        found += scene.under("read-only disk, daemon killed", partial(_read_only, scene, kills=True), seconds)
        return found + scene.under("disk that hangs", partial(_frozen, scene), seconds)


def state(quick: bool) -> list[Promise]:
    """All files of the state folder deleted; the folder itself away for some seconds."""
    with Scene.made("state", lambda _: None) as scene, Keeper(scene.product), PathUnit(scene.product):
        found = scene.under("state deleted", partial(_emptied, scene), 0)
        return found if quick else found + scene.under("state folder away", partial(_away, scene), 5)


def power(quick: bool) -> list[Promise]:
    """Power cut: the daemon goes on with what the device held at one moment, and nothing of the page cache.

    The device is copied while the daemon stands still.  A disk's own cache, which may lose or reorder what
    the kernel was told is written, is not looked at.
    """
    with Scene.made("power", _on_a_disk) as scene:
        return scene.again_and_again("power cut", partial(_cut, scene), 1 if quick else 8)


def _on_a_disk(product: Product) -> None:
    namespaces = product.lab.namespaces
    with namespaces.outside(_IMAGE).open("wb") as image:
        image.truncate(_MEBIBYTES * 1024 * 1024)
    namespaces.run("mkfs.ext4", "-q", "-m", "0", _IMAGE)
    _mount(namespaces, _IMAGE)
    shutil.rmtree(namespaces.outside(STATE) / "lost+found")
    namespaces.run("chown", f"{USER}:{USER}", STATE)


def _mount(namespaces: Namespaces, image: Path) -> None:
    namespaces.run("mount", "-o", _OPTIONS, image, STATE)


def _check(image: Path) -> None:
    """Replay the journal of a file system, and see that it is whole."""
    checked = subprocess.run(["e2fsck", "-fp", image], capture_output=True, text=True, check=False)
    if checked.returncode > 1:
        raise LabError(f"the file system is not whole after its journal was replayed: {checked.stdout}")


def _writable(scene: Scene) -> bool:
    """Tell whether the daemon's user can write sixteen KiB to the state folder."""
    file = STATE / "written"
    written = scene.lab.namespaces.run(
        *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"),
        *("dd", "if=/dev/zero", f"of={file}", "bs=16k", "count=1", "conv=fsync"),
        check=False,
    )
    scene.lab.namespaces.run("rm", "-f", file, check=False)
    return written.returncode == 0


@contextmanager
def _full(scene: Scene, _: Load, *, kills: bool = False) -> Iterator[None]:
    filler = STATE / "filler"
    scene.lab.namespaces.run("dd", "if=/dev/zero", f"of={filler}", "bs=4k", check=False)
    if _writable(scene):
        raise LabError("the disk is not full")
    if kills:
        scene.kill()
    try:
        yield
    finally:
        scene.lab.namespaces.run("rm", filler)


@contextmanager
def _read_only(scene: Scene, _: Load, *, kills: bool = False) -> Iterator[None]:
    """Let ext4 find an error, after which it writes nothing; then check the disk and mount it again.

    Whoever has files open still has those of before.
    """
    run = scene.lab.namespaces.run
    device = Path(run("findmnt", "-no", "SOURCE", STATE).stdout.strip()).name
    Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("an error of the laboratory's")
    if _writable(scene):
        raise LabError("the disk is not read-only")
    if kills:
        scene.kill()
    try:
        yield
    finally:
        # A copy, as whoever has files open keeps the former device busy.
        image, copy = map(scene.lab.namespaces.outside, (_IMAGE, _COPY))
        run("umount", "--lazy", STATE)
        shutil.copyfile(image, copy)
        copy.replace(image)
        _check(image)
        _mount(scene.lab.namespaces, _IMAGE)


@contextmanager
def _frozen(scene: Scene, _: Load) -> Iterator[None]:
    run = scene.lab.namespaces.run
    run("fsfreeze", "--freeze", STATE)
    try:
        yield
    finally:
        run("fsfreeze", "--unfreeze", STATE)


@contextmanager
def _emptied(scene: Scene, _: Load) -> Iterator[None]:
    for entry in scene.lab.namespaces.outside(STATE).iterdir():
        # These two are root's, and nobody else can make them again.
        if not entry.name.startswith(("attach", "keys")):
            shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)
    yield


@contextmanager
def _away(scene: Scene, _: Load) -> Iterator[None]:
    folder = scene.lab.namespaces.outside(STATE)
    elsewhere = folder.with_name("state-elsewhere")
    folder.rename(elsewhere)
    # It ends by itself after a while; the next one starts without tables, and does not end under steady mail.
    scene.lab.contoso.end("trivial-rewrite")
    try:
        yield
    finally:
        if folder.exists():
            shutil.rmtree(folder)
        elsewhere.rename(folder)


def _cut(scene: Scene) -> float:
    """Take what the device holds now, end the daemon, and start it upon that alone.

    The fault ends when the disk is there again.
    """
    product, namespaces = scene.product, scene.lab.namespaces
    image, copy = map(namespaces.outside, (_IMAGE, _COPY))
    product.stand_still()
    shutil.copyfile(image, copy)
    # Nothing was written meanwhile: it is the device as it was at one moment.
    if image.read_bytes() != copy.read_bytes():
        raise LabError("the kernel wrote while the device was copied")
    product.kill()
    # Postfix has tables open; on the former device nobody writes any more.
    namespaces.run("umount", "--lazy", STATE)
    copy.replace(image)
    _check(image)
    _mount(namespaces, _IMAGE)
    ended = time.monotonic()
    product.serve()
    return ended


PARTS = {
    "disk": Part(disk, lambda: why_not("mkfs.ext4", "fsfreeze")),
    "state": Part(state, why_not),
    "power": Part(power, lambda: why_not("mkfs.ext4", "e2fsck")),
}
