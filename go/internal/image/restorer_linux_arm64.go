package image

// needsRestorer says that the kernel does not know by itself how a handler returns. Here it does,
// by the vDSO.
const needsRestorer = false
