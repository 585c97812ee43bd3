package core

import (
	"reflect"
	"testing"

	"github.com/gowasmer/wasmer/go/internal/cache"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Each option that changes the code is a part of the key. Those that do not are listed here: what
// is compiled later is the same in the end, and neither stored nor given to others before.
func TestKeysHaveAllOptions(t *testing.T) {
	without := map[string]bool{"Progress": true, "Lazy": true, "Background": true}
	key := func(options engine.CompileOptions) cache.Key {
		t.Helper()
		key, err := (&CompileOptions{CompileOptions: options}).key([]byte("module"))
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	keys := map[cache.Key]string{key(engine.CompileOptions{}): "none"}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[engine.CompileOptions]()) {
		if without[field.Name] {
			continue
		}
		var options engine.CompileOptions
		value := reflect.ValueOf(&options).Elem().FieldByIndex(field.Index)
		switch value.Kind() {
		case reflect.Bool:
			value.SetBool(true)
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			value.SetInt(1)
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			value.SetUint(1)
		default:
			t.Errorf("option %s is of type %s: is it a part of the key?", field.Name, field.Type)
			continue
		}
		if other, twice := keys[key(options)]; twice {
			t.Errorf("option %s is not a part of the key: it is that of %s", field.Name, other)
		}
		keys[key(options)] = field.Name
	}
}
