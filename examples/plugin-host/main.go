// Plugin-host shows a web server whose requests are answered by a plug-in: a guest that is compiled
// once, and instantiated for each request, so that no request sees what another left behind.
//
// The guests are in testdata/guests, with their sources. Run it at the top of the repository:
//
//	go run ./examples/plugin-host
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	bytes, err := wasmer.ReadBytes("testdata/guests/greet.wasm")
	if err != nil {
		return err
	}
	module, err := wasmer.Compile(bytes)
	if err != nil {
		return err
	}
	defer module.Close()
	pool, err := wasmer.NewPool(&module, nil,
		wasmer.WithLimit(16),          // requests beyond wait
		wasmer.WithMemoryCeiling(256)) // 16 MiB for each
	if err != nil {
		return err
	}
	defer pool.Close()

	server := httptest.NewServer(&plugin{pool})
	defer server.Close()

	var group sync.WaitGroup
	answers := make([]string, 5)
	for i, name := range []string{"Ada", "Barbara", "Grace", "Katherine", "Margaret"} {
		group.Go(func() { answers[i] = get(server.URL + "?name=" + name) })
	}
	group.Wait()
	slices.Sort(answers)
	for _, answer := range answers {
		fmt.Println(answer)
	}
	return nil
}

func get(url string) string {
	response, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return response.Status + ": " + string(body)
}

// plugin answers requests by the guest.
type plugin struct{ pool *wasmer.Pool }

func (p *plugin) ServeHTTP(to http.ResponseWriter, request *http.Request) {
	ctx, cancel := context.WithTimeout(request.Context(), 5*time.Second)
	defer cancel()
	text, err := p.greet(ctx, request.FormValue("name"))
	if err != nil {
		http.Error(to, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(to, text)
}

func (p *plugin) greet(ctx context.Context, name string) (text string, err error) {
	instance, err := p.pool.Get(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = p.pool.Put(instance, err) }()

	allocate, err := wasmer.Func1[uint32, uint32](instance, "allocate")
	if err != nil {
		return "", err
	}
	greet, err := wasmer.Func1[uint32, uint32](instance, "greet")
	if err != nil {
		return "", err
	}

	// The string goes into memory that the guest allocates, with a zero behind it. The instance is
	// thrown away afterwards: there is no need to deallocate.
	input, err := allocate(ctx, uint32(len(name)+1))
	if err != nil {
		return "", err
	}
	if err := instance.Memory.WriteCString(uint64(input), name); err != nil {
		return "", err
	}
	output, err := greet(ctx, input)
	if err != nil {
		return "", err
	}
	return instance.Memory.ReadCString(uint64(output), 1024)
}
