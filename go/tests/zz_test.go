package tests
import ("testing";"github.com/gowasmer/wasmer/go/wasmer")
func TestZZ(t *testing.T) {
	if !inChild(t, childOptions{}) { return }
	module := compiled(t, "small")
	var all []wasmer.Instance
	fails := 0
	for fails < 10 {
		i, err := module.Instantiate()
		if err != nil { fails++; t.Log(len(all), fails); 
		m, err := wasmer.NewMemory(1,1)
		t.Log(m != nil, err)
		continue }
		all = append(all, i)
	}
}
