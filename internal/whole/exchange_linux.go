package whole

import (
	"errors"

	"golang.org/x/sys/unix"
)

// exchange gives two folders each other's names, in one step unless the file system
// cannot.
func exchange(made, path string) error {
	err := unix.Renameat2(unix.AT_FDCWD, made, unix.AT_FDCWD, path, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP) {
		return swap(made, path)
	}
	return err
}
