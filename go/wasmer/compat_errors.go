package wasmer

// This file has the makers of errors of go-ext-wasm 0.3.1.

// NewInstanceError makes an InstanceError with a message.
func NewInstanceError(message string) *InstanceError { return &InstanceError{message: message} }

// NewModuleError makes a ModuleError with a message.
func NewModuleError(message string) *ModuleError { return &ModuleError{message: message} }

// NewMemoryError makes a MemoryError with a message.
func NewMemoryError(message string) *MemoryError { return &MemoryError{message: message} }

// NewExportedFunctionError makes an ExportedFunctionError. Each %s in the message stands for the
// name of the function.
func NewExportedFunctionError(functionName string, message string) *ExportedFunctionError {
	return &ExportedFunctionError{functionName: functionName, message: message}
}

// NewImportedFunctionError makes an ImportedFunctionError. Each %s in the message stands for the
// name of the function.
func NewImportedFunctionError(functionName string, message string) *ImportedFunctionError {
	return &ImportedFunctionError{functionName: functionName, message: message}
}

// NewImportObjectError makes an ImportObjectError with a message.
func NewImportObjectError(message string) *ImportObjectError {
	return &ImportObjectError{message: message}
}
