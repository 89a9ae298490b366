// What the C allocator says about itself, for tests of memory accounting.
#ifndef TIDE_ALLOCATOR_H
#define TIDE_ALLOCATOR_H

#include <stddef.h>

/// Gives free pages back to the system, so that the kernel's count of resident pages is comparable.
void allocator_trim(void);
/// Bytes of blocks in use, mapped ones included.
size_t allocator_bytes_in_use(void);

#endif
