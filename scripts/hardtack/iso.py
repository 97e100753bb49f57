"""A GRUB ISO image that boots a kernel by multiboot2."""

import shutil
import subprocess

from .tree import UserError

MODULES = "multiboot2 normal iso9660 biosdisk"
GRUB = "/usr/lib/grub/i386-pc"


def make(kernel, append, scratch, output=None):
    """Make the ISO of a kernel with a command line; its path."""
    output = output or scratch / "boot.iso"
    root = scratch / "iso"
    grub = root / "boot" / "grub"
    grub.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kernel, root / "boot" / "hardtack.elf")
    words = " ".join(_quote(word) for word in append.split())
    (grub / "grub.cfg").write_text(
        "set timeout=0\n"
        f"multiboot2 /boot/hardtack.elf {words}\n"
        "boot\n")
    argv = ["grub-mkrescue", "-d", GRUB, "-o", str(output),
            f"--install-modules={MODULES}", "--locales=", "--fonts=",
            "--themes=", str(root)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True,
                              check=False)
    except FileNotFoundError as error:
        raise UserError("no grub-mkrescue here: type scripts/install-deps "
                        "check") from error
    if done.returncode != 0 or not output.exists():
        raise UserError("grub-mkrescue failed: " + done.stderr.strip()[-500:])
    return output


def _quote(word):
    """A word of the command line, as GRUB's shell reads it."""
    if "'" in word:
        raise UserError(f"GRUB cannot pass a quote in the command line: {word}")
    return f"'{word}'"
