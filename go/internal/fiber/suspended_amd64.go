package fiber

// Where the stubs push what backtrace reads, from a suspended guest's stack pointer up: the six
// registers r15 r14 r13 r12 rbx rbp, and the return address; see stubs_x86_64.rs.
const (
	suspendedFp = 40
	suspendedPc = 48
)
