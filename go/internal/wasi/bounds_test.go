package wasi

import (
	"context"
	"math/rand/v2"
	"net"
	"testing"
)

// example is a call of a function that works, and what its arguments are: 'f' descriptor of a file,
// 'd' of a directory, 'D' a second one, 's' of a connection or listener; 'p' pointer; 'n' number of
// bytes or items at the pointer before; '.' anything else.
type example struct {
	name, kinds string
	args        func(g *guest) []uint64
}

// examples has a call of each function that takes a pointer or a descriptor.
func examples(file, listener, conn uint64) []example {
	list := func(values ...uint64) []uint64 { return values }
	path := func(g *guest, p string) (uint64, uint64) { return g.text(p) }
	return []example{
		{"args_get", "pp", func(g *guest) []uint64 { return list(g.room(8), g.room(32)) }},
		{"args_sizes_get", "pp", func(g *guest) []uint64 { return list(g.room(4), g.room(4)) }},
		{"environ_get", "pp", func(g *guest) []uint64 { return list(g.room(8), g.room(32)) }},
		{"environ_sizes_get", "pp", func(g *guest) []uint64 { return list(g.room(4), g.room(4)) }},
		{"clock_res_get", ".p", func(g *guest) []uint64 { return list(0, g.room(8)) }},
		{"clock_time_get", "..p", func(g *guest) []uint64 { return list(1, 0, g.room(8)) }},
		{"fd_advise", "f...", func(*guest) []uint64 { return list(file, 0, 1, 0) }},
		{"fd_allocate", "f..", func(*guest) []uint64 { return list(file, 0, 1) }},
		{"fd_datasync", "f", func(*guest) []uint64 { return list(file) }},
		{"fd_fdstat_get", "fp", func(g *guest) []uint64 { return list(file, g.room(24)) }},
		{"fd_fdstat_set_flags", "f.", func(*guest) []uint64 { return list(file, 0) }},
		{"fd_fdstat_set_rights", "f..", func(*guest) []uint64 { return list(file, uint64(fileRights), uint64(fileRights)) }},
		{"fd_filestat_get", "fp", func(g *guest) []uint64 { return list(file, g.room(64)) }},
		{"fd_filestat_set_size", "f.", func(*guest) []uint64 { return list(file, 5) }},
		{"fd_filestat_set_times", "f...", func(*guest) []uint64 { return list(file, 1, 2, 5) }},
		{"fd_pread", "fpn.p", func(g *guest) []uint64 { l, n := g.vectors(make([]byte, 4)); return list(file, l, n, 0, g.room(4)) }},
		{"fd_prestat_get", "dp", func(g *guest) []uint64 { return list(fdDir, g.room(8)) }},
		{"fd_prestat_dir_name", "dpn", func(g *guest) []uint64 { return list(fdDir, g.room(1), 1) }},
		{"fd_pwrite", "fpn.p", func(g *guest) []uint64 { l, n := g.vectors(make([]byte, 4)); return list(file, l, n, 0, g.room(4)) }},
		{"fd_read", "fpnp", func(g *guest) []uint64 { l, n := g.vectors(make([]byte, 4)); return list(file, l, n, g.room(4)) }},
		{"fd_readdir", "dpn.p", func(g *guest) []uint64 { return list(fdDir, g.room(64), 64, 0, g.room(4)) }},
		{"fd_seek", "f..p", func(g *guest) []uint64 { return list(file, 0, 0, g.room(8)) }},
		{"fd_sync", "f", func(*guest) []uint64 { return list(file) }},
		{"fd_tell", "fp", func(g *guest) []uint64 { return list(file, g.room(8)) }},
		{"fd_write", "fpnp", func(g *guest) []uint64 { l, n := g.vectors(make([]byte, 4)); return list(file, l, n, g.room(4)) }},
		{"path_create_directory", "dpn", func(g *guest) []uint64 { p, n := path(g, "made"); return list(fdDir, p, n) }},
		{"path_filestat_get", "d.pnp", func(g *guest) []uint64 { p, n := path(g, "file"); return list(fdDir, 0, p, n, g.room(64)) }},
		{"path_filestat_set_times", "d.pn...", func(g *guest) []uint64 { p, n := path(g, "file"); return list(fdDir, 0, p, n, 1, 2, 5) }},
		{"path_link", "d.pnDpn", func(g *guest) []uint64 {
			p, n := path(g, "file")
			q, m := path(g, "hard")
			return list(fdDir, 0, p, n, fdDir, q, m)
		}},
		{"path_open", "d.pn....p", func(g *guest) []uint64 {
			p, n := path(g, "file")
			return list(fdDir, 0, p, n, 0, uint64(RightFdRead), 0, 0, g.room(4))
		}},
		{"path_readlink", "dpnpnp", func(g *guest) []uint64 { p, n := path(g, "link"); return list(fdDir, p, n, g.room(8), 8, g.room(4)) }},
		{"path_rename", "dpnDpn", func(g *guest) []uint64 {
			p, n := path(g, "hard")
			q, m := path(g, "moved")
			return list(fdDir, p, n, fdDir, q, m)
		}},
		{"path_symlink", "pndpn", func(g *guest) []uint64 {
			p, n := path(g, "file")
			q, m := path(g, "soft")
			return list(p, n, fdDir, q, m)
		}},
		{"path_unlink_file", "dpn", func(g *guest) []uint64 { p, n := path(g, "moved"); return list(fdDir, p, n) }},
		{"path_remove_directory", "dpn", func(g *guest) []uint64 { p, n := path(g, "made"); return list(fdDir, p, n) }},
		{"poll_oneoff", "ppnp", func(g *guest) []uint64 { return list(g.room(56), g.room(32), 1, g.room(4)) }},
		{"random_get", "pn", func(g *guest) []uint64 { return list(g.room(16), 16) }},
		{"sock_send", "spn.p", func(g *guest) []uint64 { l, n := g.vectors([]byte("ping")); return list(conn, l, n, 0, g.room(4)) }},
		{"sock_recv", "spn.pp", func(g *guest) []uint64 {
			l, n := g.vectors(make([]byte, 4))
			return list(conn, l, n, 0, g.room(4), g.room(2))
		}},
		{"sock_accept", "s.p", func(g *guest) []uint64 { return list(listener, 0, g.room(4)) }},
		{"sock_shutdown", "s.", func(*guest) []uint64 { return list(conn, 2) }},
		{"fd_renumber", "f.", func(*guest) []uint64 { return list(file, file) }},
		{"fd_close", "f", func(*guest) []uint64 { return list(file) }},
	}
}

// newExampleGuest makes a guest with an open file, a listener and a connection to something that
// sends back what it gets.
func newExampleGuest(t *testing.T) (g *guest, file, listener, conn uint64) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	g = newGuest(t, func(c *Config) { c.Listeners = []net.Listener{l} })
	listener = fdMap + 1
	for range 2 { // one is left for sock_accept
		client, err := net.Dial("tcp", l.Addr().String())
		must(t, err)
		t.Cleanup(func() { client.Close() })
		go func() {
			buffer := make([]byte, 64)
			for {
				n, err := client.Read(buffer)
				if err != nil {
					return
				}
				client.Write(buffer[:n])
			}
		}()
	}
	result := g.room(4)
	g.expect(Success, "sock_accept", listener, 0, result)
	return g, g.mustOpen("file", 0, 0), listener, uint64(g.u32(result))
}

// TestPointersOutOfBounds calls each function with each of its pointers and lengths out of bounds
// (also such that their sum wraps), and then as it should be.
func TestPointersOutOfBounds(t *testing.T) { onEach(t, testPointersOutOfBounds) }

func testPointersOutOfBounds(t *testing.T) {
	g, file, listener, conn := newExampleGuest(t)
	for _, e := range examples(file, listener, conn) {
		for i, kind := range e.kinds {
			bad := []uint64{memorySize, 1<<32 - 1, 1 << 31, memorySize - 1}
			switch {
			case kind == 'n':
				bad = []uint64{1<<32 - 1, 1 << 31, memorySize}
			case kind != 'p':
				continue
			}
			for _, value := range bad {
				args := e.args(g)
				if kind == 'p' && value == memorySize-1 && i+1 < len(e.kinds) && e.kinds[i+1] == 'n' && args[i+1] < 2 {
					continue // one byte is within
				}
				args[i] = value
				if e.name == "poll_oneoff" && kind == 'n' {
					g.expect(EINVAL, e.name, args...)
					continue
				}
				g.expect(EFAULT, e.name, args...)
			}
		}
		g.expect(Success, e.name, e.args(g)...)
	}
	g.guarded()
}

// TestBufferListsOutOfBounds has a buffer of a list out of bounds: nothing is read or written then.
func TestBufferListsOutOfBounds(t *testing.T) { onEach(t, testBufferListsOutOfBounds) }

func testBufferListsOutOfBounds(t *testing.T) {
	g, file, _, conn := newExampleGuest(t)
	for _, buffer := range [][2]uint32{{memorySize, 1}, {memorySize - 1, 2}, {1, 1<<32 - 1}, {1<<32 - 1, 1<<32 - 1}, {1<<32 - 1, 1}, {0, 1 << 31}} {
		list, _ := g.vectors([]byte("good"), nil)
		memory(g.memory).putUint32(list+8, buffer[0])
		memory(g.memory).putUint32(list+12, buffer[1])
		g.expect(EFAULT, "fd_read", file, list, 2, g.room(4))
		g.expect(EFAULT, "fd_pread", file, list, 2, 0, g.room(4))
		g.expect(EFAULT, "fd_write", file, list, 2, g.room(4))
		g.expect(EFAULT, "fd_pwrite", file, list, 2, 0, g.room(4))
		g.expect(EFAULT, "sock_send", conn, list, 2, 0, g.room(4))
		g.expect(EFAULT, "sock_recv", conn, list, 2, 0, g.room(4), g.room(2))
	}
	g.expect(EINVAL, "fd_write", file, g.room(8), maxVectors+1, g.room(4))
	if text := g.contents("file"); text != "hello" {
		t.Errorf("the file is %q", text)
	}
	// Buffers that are good, but have more bytes together than can be told.
	huge := make([]byte, 0, 16)
	list := g.place(append(huge, make([]byte, 16)...))
	for i := range uint64(2) {
		memory(g.memory).putUint32(list+8*i+4, memorySize)
	}
	g.expect(Success, "fd_read", file, list, 2, g.room(4))
	g.guarded()
}

// TestBadDescriptors calls each function with descriptors that are not open.
func TestBadDescriptors(t *testing.T) { onEach(t, testBadDescriptors) }

func testBadDescriptors(t *testing.T) {
	g, file, listener, conn := newExampleGuest(t)
	for _, e := range examples(file, listener, conn) {
		for i, kind := range e.kinds {
			if kind != 'f' && kind != 'd' && kind != 'D' && kind != 's' {
				continue
			}
			for _, fd := range []uint64{99, memorySize, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
				args := e.args(g)
				args[i] = fd
				if e.name == "path_rename" { // the path has to be there
					p, n := g.text("file")
					args[1], args[2] = p, n
				}
				g.expect(EBADF, e.name, args...)
			}
			args := e.args(g)
			switch kind {
			case 'd', 'D':
				if args[i] = file; e.name == "fd_prestat_get" || e.name == "fd_prestat_dir_name" || e.name == "fd_readdir" {
					g.expect(EBADF, e.name, args...)
				} else if e.name != "path_rename" {
					g.expect(ENOTDIR, e.name, args...)
				}
			case 's':
				args[i] = file
				g.expect(ENOTSOCK, e.name, args...)
			}
		}
	}
}

// TestRandomArguments calls each function with arguments around all limits: whatever comes back,
// nothing panics, and nothing behind the memory changes.
func TestRandomArguments(t *testing.T) { onEach(t, testRandomArguments) }

func testRandomArguments(t *testing.T) {
	calls := 3000
	if testing.Short() {
		calls = 300
	}
	random := rand.New(rand.NewPCG(1, 2))
	interesting := []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 4096, 5000, memorySize - 64, memorySize - 8, memorySize - 1, memorySize, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 63, 1<<64 - 1}
	for _, namespace := range []string{Snapshot0, Snapshot1} {
		for _, f := range Functions(namespace) {
			if f.Call == nil {
				continue
			}
			g := newGuest(t)
			ctx, cancel := context.WithCancel(context.Background())
			cancel() // what waits gives up
			g.ctx = ctx
			for i := 0; i < memorySize; i += 4 {
				memory(g.memory).putUint32(uint64(i), random.Uint32()>>(random.Uint32()%32))
			}
			copy(g.memory[4096:], "file\x00dir/inner\x00../x/")
			for range calls {
				args := make([]uint64, len(f.Params)+1)
				for i := range f.Params {
					if args[i] = interesting[random.IntN(len(interesting))]; f.Params[i] == 'i' {
						args[i] = uint64(uint32(args[i]))
					}
				}
				if f.Name == "fd_allocate" || f.Name == "fd_filestat_set_size" { // the disk is real
					args[1], args[2] = args[1]%4096, args[2]%4096
				}
				if f.Name == "fd_pwrite" {
					args[3] %= 4096
				}
				f.Call(g.system, g, args)
			}
			g.guarded()
		}
	}
}
