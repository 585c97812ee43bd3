package wasi

// This file has the numbers of the interface, by the names of its specification.

// Errno is what a function returns to the guest. wasi-libc uses the same numbers as errno.
type Errno uint16

// The error numbers.
const (
	Success Errno = iota
	E2BIG
	EACCES
	EADDRINUSE
	EADDRNOTAVAIL
	EAFNOSUPPORT
	EAGAIN
	EALREADY
	EBADF
	EBADMSG
	EBUSY
	ECANCELED
	ECHILD
	ECONNABORTED
	ECONNREFUSED
	ECONNRESET
	EDEADLK
	EDESTADDRREQ
	EDOM
	EDQUOT
	EEXIST
	EFAULT
	EFBIG
	EHOSTUNREACH
	EIDRM
	EILSEQ
	EINPROGRESS
	EINTR
	EINVAL
	EIO
	EISCONN
	EISDIR
	ELOOP
	EMFILE
	EMLINK
	EMSGSIZE
	EMULTIHOP
	ENAMETOOLONG
	ENETDOWN
	ENETRESET
	ENETUNREACH
	ENFILE
	ENOBUFS
	ENODEV
	ENOENT
	ENOEXEC
	ENOLCK
	ENOLINK
	ENOMEM
	ENOMSG
	ENOPROTOOPT
	ENOSPC
	ENOSYS
	ENOTCONN
	ENOTDIR
	ENOTEMPTY
	ENOTRECOVERABLE
	ENOTSOCK
	ENOTSUP
	ENOTTY
	ENXIO
	EOVERFLOW
	EOWNERDEAD
	EPERM
	EPIPE
	EPROTO
	EPROTONOSUPPORT
	EPROTOTYPE
	ERANGE
	EROFS
	ESPIPE
	ESRCH
	ESTALE
	ETIMEDOUT
	ETXTBSY
	EXDEV
	ENOTCAPABLE
)

// Rights are what may be done with a descriptor.
type Rights uint64

// The rights.
const (
	RightFdDatasync Rights = 1 << iota
	RightFdRead
	RightFdSeek
	RightFdFdstatSetFlags
	RightFdSync
	RightFdTell
	RightFdWrite
	RightFdAdvise
	RightFdAllocate
	RightPathCreateDirectory
	RightPathCreateFile
	RightPathLinkSource
	RightPathLinkTarget
	RightPathOpen
	RightFdReaddir
	RightPathReadlink
	RightPathRenameSource
	RightPathRenameTarget
	RightPathFilestatGet
	RightPathFilestatSetSize
	RightPathFilestatSetTimes
	RightFdFilestatGet
	RightFdFilestatSetSize
	RightFdFilestatSetTimes
	RightPathSymlink
	RightPathRemoveDirectory
	RightPathUnlinkFile
	RightPollFdReadwrite
	RightSockShutdown
	RightSockAccept

	allRights = RightSockAccept<<1 - 1
)

// Which rights mean something for which kind of descriptor. A descriptor never has others, so that
// fd_fdstat_get tells the truth, and wasi-libc's isatty, which takes a character device that cannot
// seek for a terminal, is right (see isDevice).
const (
	fileRights = RightFdDatasync | RightFdRead | RightFdSeek | RightFdFdstatSetFlags | RightFdSync | RightFdTell | RightFdWrite | RightFdAdvise |
		RightFdAllocate | RightFdFilestatGet | RightFdFilestatSetSize | RightFdFilestatSetTimes | RightPollFdReadwrite
	directoryRights = RightFdDatasync | RightFdFdstatSetFlags | RightFdSync | RightFdAdvise | RightPathCreateDirectory | RightPathCreateFile | RightPathLinkSource |
		RightPathLinkTarget | RightPathOpen | RightFdReaddir | RightPathReadlink | RightPathRenameSource | RightPathRenameTarget |
		RightPathFilestatGet | RightPathFilestatSetSize | RightPathFilestatSetTimes | RightFdFilestatGet | RightFdFilestatSetTimes |
		RightPathSymlink | RightPathRemoveDirectory | RightPathUnlinkFile | RightPollFdReadwrite
	inputRights  = RightFdRead | RightFdFdstatSetFlags | RightFdFilestatGet | RightPollFdReadwrite
	outputRights = RightFdWrite | RightFdDatasync | RightFdSync | RightFdFdstatSetFlags | RightFdFilestatGet | RightPollFdReadwrite
	streamRights = inputRights | outputRights
	socketRights = streamRights | RightSockShutdown
	acceptRights = RightSockAccept | RightFdFdstatSetFlags | RightFdFilestatGet | RightPollFdReadwrite
)

// FileType is the type of what a descriptor or an entry of a directory stands for.
type FileType uint8

// The file types.
const (
	TypeUnknown FileType = iota
	TypeBlockDevice
	TypeCharacterDevice
	TypeDirectory
	TypeRegularFile
	TypeSocketDgram
	TypeSocketStream
	TypeSymbolicLink
)

// Flags of descriptors.
const (
	flagAppend uint32 = 1 << iota
	flagDsync
	flagNonblock
	flagRsync
	flagSync

	allFdFlags = flagSync<<1 - 1
)

// Flags of path_open.
const (
	openCreate uint32 = 1 << iota
	openDirectory
	openExclusive
	openTruncate

	allOpenFlags = openTruncate<<1 - 1
)

// lookupFollow is the flag of lookups that follow a symbolic link at the end of a path.
const lookupFollow uint32 = 1

// Flags that say which times are to be set.
const (
	setAtime uint32 = 1 << iota
	setAtimeNow
	setMtime
	setMtimeNow

	allTimeFlags = setMtimeNow<<1 - 1
)

// Where fd_seek counts from, by the numbers of snapshot 1, which are those of package io.
const (
	whenceSet = 0
	whenceCur = 1
	whenceEnd = 2
)

// Sizes of structures in guest memory that both versions share.
const (
	sizeIovec   = 8
	sizeFdstat  = 24
	sizePrestat = 8
	sizeDirent  = 24
	sizeEvent   = 32
)
