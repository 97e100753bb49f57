"""Tiny kernels of a few instructions, to test what scripts/run makes of them."""

import subprocess

START = r"""
	.section .note.pvh, "a", @note
	.long 4, 8, 18
	.asciz "Xen"
	.quad _start
	.text
	.code32
	.globl _start
_start:	movl $stack, %esp
	movl $text, %esi
"""

PRINT = r"""
1:	lodsb
	testb %al, %al
	jz 2f
	movw $0x3f8, %dx
	outb %al, %dx
	jmp 1b
2:
"""

ENDINGS = {
    "off": "movb $0x10, %al\n\toutb %al, $0xf4",
    "fail": "movb $0x7f, %al\n\toutb %al, $0xf4",
    "acpi": "movw $0x604, %dx\n\tmovw $0x2000, %ax\n\toutw %ax, %dx",
    "reset": "movw $0xcf9, %dx\n\tmovb $6, %al\n\toutb %al, %dx",
    "triple": "lidt zero\n\tint3",
    "hang": "",
    "endless": "3:\tmovw $0x3f8, %dx\n\tmovb $65, %al\n\toutb %al, %dx\n"
               "\tjmp 3b",
    "output": "movw $0x2f8, %dx\n\tmovl $256, %ecx\n\txorl %eax, %eax\n"
              "3:\toutb %al, %dx\n\tincb %al\n\tloop 3b\n"
              "\tmovb $0x10, %al\n\toutb %al, $0xf4",
}

END = r"""
8:	cli
	hlt
	jmp 8b
	.section .note.GNU-stack, "", @progbits
	.data
zero:	.quad 0, 0
text:	.asciz "%s"
	.bss
	.skip 4096
stack:
"""


def build(folder, text, ending):
    """A kernel that prints text on the first port, then ends that way."""
    source = folder / "tiny.S"
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    source.write_text(START + PRINT + "\t" + ENDINGS[ending] + END % escaped)
    obj, elf = folder / "tiny.o", folder / "tiny.elf"
    subprocess.run(["gcc", "-c", source, "-o", obj], check=True)
    subprocess.run(["ld", "-Ttext=0x100000", "-z", "max-page-size=0x1000",
                    "--no-warn-rwx-segments", obj, "-o", elf], check=True)
    return elf
