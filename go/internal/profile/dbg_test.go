//go:build linux && (amd64 || arm64)
package profile
import ("testing";"sync";"context";"runtime/pprof";"bytes")
func TestDbg(t *testing.T) {
	g := newGuest(t, "fib_recursive.wasm")
	defer g.free()
	var out bytes.Buffer
	Start(&out)
		var group sync.WaitGroup
		for _, tenant := range []string{"a", "b"} {
			group.Go(func() {
				pprof.Do(context.Background(), pprof.Labels("tenant", tenant), func(context.Context) {
					spinning(t, g, false, long)
				})
			})
		}
		group.Wait()
	s := running.session
	pprof.StopCPUProfile()
	s.drain()
	p, _ := parse(running.profile.Bytes())
	for i := range p.samples { x := &p.samples[i]; t.Logf("go %v %d %q\n%v", x.entry, x.values[0], x.labels, x.key) }
	for _, k := range s.sorted() { t.Logf("ours %d\n%v", k.count, hostKey(k.host)) }
	Stop()
}
