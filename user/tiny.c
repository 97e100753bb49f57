/*
 * The smallest program: what bench starts to measure exec.
 */
int
main(void)
{
	return 0;
}
