package wasi

// Function is a function that guests import.
type Function struct {
	Name string

	// Params are the types of the parameters: 'i' for i32, 'I' for i64. The result is an i32, the
	// Errno; proc_exit has none.
	Params string

	// Call is the function; the slots are its arguments. It is nil for proc_exit.
	Call func(s *System, g Guest, slots []uint64) Errno
}

// ClockTimeGet is the function that whoever binds them may implement otherwise (see
// System.ShareClock).
const ClockTimeGet = "clock_time_get"

// The namespaces of both versions.
const (
	Snapshot0 = "wasi_unstable"
	Snapshot1 = "wasi_snapshot_preview1"
)

// Functions are those of a namespace, nil if it is none of WASI's.
func Functions(namespace string) []Function {
	switch namespace {
	case Snapshot0:
		return snapshot0
	case Snapshot1:
		return snapshot1
	}
	return nil
}

var snapshot1 = []Function{
	{"args_get", "ii", (*System).argsGet},
	{"args_sizes_get", "ii", (*System).argsSizesGet},
	{"environ_get", "ii", (*System).environGet},
	{"environ_sizes_get", "ii", (*System).environSizesGet},
	{"clock_res_get", "ii", (*System).clockResGet},
	{ClockTimeGet, "iIi", (*System).clockTimeGet},
	{"fd_advise", "iIIi", (*System).fdAdvise},
	{"fd_allocate", "iII", (*System).fdAllocate},
	{"fd_close", "i", (*System).fdClose},
	{"fd_datasync", "i", (*System).fdDatasync},
	{"fd_fdstat_get", "ii", (*System).fdFdstatGet},
	{"fd_fdstat_set_flags", "ii", (*System).fdFdstatSetFlags},
	{"fd_fdstat_set_rights", "iII", (*System).fdFdstatSetRights},
	{"fd_filestat_get", "ii", (*System).fdFilestatGet},
	{"fd_filestat_set_size", "iI", (*System).fdFilestatSetSize},
	{"fd_filestat_set_times", "iIIi", (*System).fdFilestatSetTimes},
	{"fd_pread", "iiiIi", (*System).fdPread},
	{"fd_prestat_get", "ii", (*System).fdPrestatGet},
	{"fd_prestat_dir_name", "iii", (*System).fdPrestatDirName},
	{"fd_pwrite", "iiiIi", (*System).fdPwrite},
	{"fd_read", "iiii", (*System).fdRead},
	{"fd_readdir", "iiiIi", (*System).fdReaddir},
	{"fd_renumber", "ii", (*System).fdRenumber},
	{"fd_seek", "iIii", (*System).fdSeek},
	{"fd_sync", "i", (*System).fdSync},
	{"fd_tell", "ii", (*System).fdTell},
	{"fd_write", "iiii", (*System).fdWrite},
	{"path_create_directory", "iii", (*System).pathCreateDirectory},
	{"path_filestat_get", "iiiii", (*System).pathFilestatGet},
	{"path_filestat_set_times", "iiiiIIi", (*System).pathFilestatSetTimes},
	{"path_link", "iiiiiii", (*System).pathLink},
	{"path_open", "iiiiiIIii", (*System).pathOpen},
	{"path_readlink", "iiiiii", (*System).pathReadlink},
	{"path_remove_directory", "iii", (*System).pathRemoveDirectory},
	{"path_rename", "iiiiii", (*System).pathRename},
	{"path_symlink", "iiiii", (*System).pathSymlink},
	{"path_unlink_file", "iii", (*System).pathUnlinkFile},
	{"poll_oneoff", "iiii", (*System).pollOneoff},
	{"proc_exit", "i", nil},
	{"proc_raise", "i", (*System).procRaise},
	{"random_get", "ii", (*System).randomGet},
	{"sched_yield", "", (*System).schedYield},
	{"sock_accept", "iii", (*System).sockAccept},
	{"sock_recv", "iiiiii", (*System).sockRecv},
	{"sock_send", "iiiii", (*System).sockSend},
	{"sock_shutdown", "ii", (*System).sockShutdown},
}

// snapshot0 are the functions of the predecessor: those above without sock_accept, some with other
// numbers or layouts.
var snapshot0 = func() []Function {
	other := map[string]func(*System, Guest, []uint64) Errno{
		"fd_seek":           (*System).fdSeek0,
		"fd_filestat_get":   (*System).fdFilestatGet0,
		"path_filestat_get": (*System).pathFilestatGet0,
		"poll_oneoff":       (*System).pollOneoff0,
	}
	var functions []Function
	for _, f := range snapshot1 {
		if f.Name == "sock_accept" {
			continue
		}
		if call := other[f.Name]; call != nil {
			f.Call = call
		}
		functions = append(functions, f)
	}
	return functions
}()
