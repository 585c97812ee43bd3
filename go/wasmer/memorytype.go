package wasmer

// Type returns the type: the limits as they were declared or given to [NewMemory], the size of
// addresses and pages. The zero MemoryType is returned if the memory was never made.
func (memory *Memory) Type() MemoryType {
	if memory == nil || memory.inner == nil {
		return MemoryType{}
	}
	return memoryTypeFromEngine(memory.inner.Type())
}
