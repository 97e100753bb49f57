/*
 * reboot: the orderly end. All is written to the disks, then the machine is
 * switched off, or begins anew.
 */
#include "abi/reboot.h"
#include "exec_internal.h"

/* Two numbers that no stray call has (reboot(2)). */
static bool
reboot_magic_ok(uint32_t magic1, uint32_t magic2)
{
	return magic1 == LINUX_REBOOT_MAGIC1 &&
	       (magic2 == LINUX_REBOOT_MAGIC2 ||
		magic2 == LINUX_REBOOT_MAGIC2A ||
		magic2 == LINUX_REBOOT_MAGIC2B ||
		magic2 == LINUX_REBOOT_MAGIC2C);
}

/* Linux leaves the sync to the caller; a kernel with an orderly mind does it
 * all the same. The right is looked at before the magic, as on Linux. HALT
 * switches off, too. RESTART2's text for the firmware is not looked at. */
static int64_t
sys_reboot(uint32_t magic1, uint32_t magic2, uint32_t command)
{
	if (current_cred()->euid != 0)
		return -EPERM;
	if (!reboot_magic_ok(magic1, magic2))
		return -EINVAL;
	switch (command) {
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0; /* no key is bound to it */
	case LINUX_REBOOT_CMD_POWER_OFF:
	case LINUX_REBOOT_CMD_HALT:
		vfs_shutdown();
		kprintf("exec: power off\n");
		power_off(true);
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		vfs_shutdown();
		kprintf("exec: restarting\n");
		machine_reset();
	default:
		return -EINVAL;
	}
}
SYSCALL(NR_reboot, sys_reboot);
