// Where weights lie: in memory that all processes of a pool share, packed by the first of them.
//
// The parent makes an empty file without a name and gives it to each. Whoever locks it first fills it; the others wait,
// find the mark behind the end and map it. One that dies while it fills leaves no mark, and the next begins anew.

#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace memory {

constexpr size_t ALIGNMENT = 64;
constexpr uint64_t WHOLE = 0x50414b5045443031;

struct Block {
    char * at = nullptr;
    size_t mapped = 0;    // bytes to unmap; 0: it is of this process alone
    bool filled = false;  // by another process
};

inline int given = -1;             // the file for the next block, or -1
inline int filling = -1;           // the locked file while this process fills it
inline uint64_t * mark = nullptr;  // its last word

// Said aloud, since a mapping keeps its file open, and with it the lock.
inline void release(int file) {
    flock(file, LOCK_UN);
    close(file);
}

inline bool share(Block & block, size_t size) {
    char name[32];
    std::snprintf(name, sizeof name, "/proc/self/fd/%d", given);
    given = -1;
    // Opened anew: a lock belongs to an opening, and the inherited one is everybody's.
    const int file = open(name, O_RDWR | O_CLOEXEC);
    if (file < 0) return false;
    const size_t whole = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + sizeof WHOLE;
    struct stat facts;
    if (flock(file, LOCK_EX) || fstat(file, &facts) || (facts.st_size && size_t(facts.st_size) != whole) ||
        ftruncate(file, whole)) {
        release(file);
        return false;
    }
    void * at = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (at == MAP_FAILED) {
        release(file);
        return false;
    }
    block.at = static_cast<char *>(at);
    block.mapped = whole;
    auto * last = reinterpret_cast<uint64_t *>(block.at + whole - sizeof WHOLE);
    block.filled = *last == WHOLE;
    if (block.filled)
        release(file);
    else
        filling = file, mark = last;
    return true;
}

// The model is loaded: what was filled is whole, and the others may go on.
inline void done(bool whole) {
    given = -1;
    if (filling < 0) return;
    if (whole) *mark = WHOLE;
    release(filling);
    filling = -1;
}

inline Block * allocate(size_t size) {
    auto * block = new Block;
    if (given >= 0 && share(*block, size)) return block;
    block->at = static_cast<char *>(std::aligned_alloc(ALIGNMENT, (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT));
    if (block->at) return block;
    delete block;
    return nullptr;
}

inline void release(Block * block) {
    if (block->mapped)
        munmap(block->at, block->mapped);
    else
        std::free(block->at);
    delete block;
}

}  // namespace memory
