#include "CAllocator.h"

#include <malloc.h>

void allocator_trim(void) { malloc_trim(0); }

size_t allocator_bytes_in_use(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
