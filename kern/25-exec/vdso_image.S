/*
 * The vDSO as the linker made it from the folder vdso, among the kernel's
 * constants.
 */
	.section .rodata, "a"
	.balign	8
	.globl	vdso_image, vdso_image_end
vdso_image:
	.incbin	VDSO_IMAGE
vdso_image_end:
	.section .note.GNU-stack, "", @progbits
