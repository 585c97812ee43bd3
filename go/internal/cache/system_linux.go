package cache

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// openFlags refuse a symbolic link in place of a module, and do not wait for the writer of a pipe.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// ownerOf returns who owns a file, and who runs this program.
func ownerOf(info fs.FileInfo) (owner, user int) {
	user = os.Geteuid()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid), user
	}
	return -1, user
}

// mapFile maps the beginning of a file, private and read only, and reads what is not in memory.
func mapFile(file *os.File, size int64) (bytes []byte, unmap func(), err error) {
	bytes, err = syscall.Mmap(int(file.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_PRIVATE|syscall.MAP_POPULATE)
	if err != nil {
		return nil, nil, os.NewSyscallError("mmap", err)
	}
	return bytes, func() { _ = syscall.Munmap(bytes) }, nil
}

// localTypes are the types of file systems, as statfs(2) has them, in which files stay until nobody
// has them open or mapped, whoever removes them. In one of another machine they may be gone.
var localTypes = []uint32{
	0xef53,     // ext2, ext3, ext4
	0x58465342, // XFS
	0x9123683e, // Btrfs
	0x01021994, // tmpfs
	0x794c7630, // OverlayFS, which keeps files in one of the others
	0xf2f52010, // F2FS
	0x2fc12fc1, // ZFS
	0xca451a4e, // bcachefs
}

// keepsRemoved reports whether a file is on this machine, and stays as long as it is mapped.
func keepsRemoved(file *os.File) bool {
	var system syscall.Statfs_t
	err := syscall.Fstatfs(int(file.Fd()), &system)
	return err == nil && slices.Contains(localTypes, uint32(system.Type))
}

// mayWrite reports whether the process may write a file so large. Beyond its limit (ulimit -f) the
// system would end it.
func mayWrite(size int64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err == nil && uint64(size) > limit.Cur {
		return fmt.Errorf("a file of %d bytes is larger than this process may write (ulimit -f): %w", size, syscall.EFBIG)
	}
	return nil
}
