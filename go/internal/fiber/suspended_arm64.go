package fiber

// Where the stubs store what backtrace reads, from a suspended guest's stack pointer up: x29 and
// x30 follow x19 to x28; see stubs_aarch64.rs.
const (
	suspendedFp = 80
	suspendedPc = 88
)
