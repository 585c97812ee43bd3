package image

// needsRestorer says that the kernel does not know by itself how a handler returns.
const needsRestorer = true
