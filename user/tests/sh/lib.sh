# Helpers that every script of the suite sources.

# A case begins: its name is printed, so that a difference can be placed and
# the cases can be counted.
t()
{
	echo "## $*"
}

# Print the status of the command before.
rc()
{
	echo "[$?]"
}

# ls -la without what differs between two file systems: the total, the times,
# the sizes of directories and the row of the parent directory.
lsl()
{
	ls -la "$@" | awk '
	/^[-dlbcps]/ {
		row = $0; skip = 8; size = $5
		if (/^[bc]/) { size = $5 $6; skip = 9 }
		if (/^d/) size = "-"
		for (i = 1; i <= skip; i++) sub(/^[^ ]+ +/, "", row)
		if (row != "..") print $1, $2, $3, $4, size, row
		next
	}
	/:$/ { print }'
}

# Wait until a command succeeds; the driver's time limit bounds it.
until_true()
{
	until "$@" 2>/dev/null; do usleep 10000; done
}

# Is this process asleep in the kernel, or stopped, or dead (letter of stat)?
in_state()
{
	case $(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null) in
	"$2") return 0 ;;
	*) return 1 ;;
	esac
}
