package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Error tells why a folder cannot be used.
type Error struct {
	// Dir is the folder.
	Dir string
	// Err is why.
	Err error
}

// Error returns the folder and the reason.
func (e *Error) Error() string {
	return fmt.Sprintf("the cache folder %s cannot be used: %v", e.Dir, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// folderError makes one, without the words of package os that name the folder again.
func folderError(dir string, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &Error{dir, err}
}

// unsafeError tells that others may have written machine code.
type unsafeError struct{ message string }

func (e *unsafeError) Error() string { return e.message }

// Is reports that this is a matter of permissions.
func (*unsafeError) Is(target error) bool { return target == fs.ErrPermission }

// checkOwner refuses what somebody else than this user or root can write to. what is "it" or the
// name of a file.
func checkOwner(what string, info fs.FileInfo) error {
	owner, user := ownerOf(info)
	if owner != user && owner != 0 {
		return &unsafeError{fmt.Sprintf("%s belongs to user %d, expected user %d, who runs this program, or root", what, owner, user)}
	}
	if mode := info.Mode(); mode&0o022 != 0 {
		return &unsafeError{fmt.Sprintf("%s can be written to by others (mode %#o), expected by its owner alone: chmod go-w, or choose another", what, mode.Perm())}
	}
	return nil
}
