package image

// sysMemfdCreate is the number of the system call memfd_create.
const sysMemfdCreate = 319
