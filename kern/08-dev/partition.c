/* partition tables */
#include "devices.h"
void
partitions_find(void)
{
}
