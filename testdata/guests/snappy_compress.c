// Compresses generated data in the snappy block format, verifies it by decompressing, and returns a checksum of the compressed
// bytes. The data comes in pieces of mixed compressibility; every buffer is allocated anew and kept, and the allocator
// grows memory one page at a time, as simple allocators do: so memory grows some hundred times under a large live heap.
//
// The format: the uncompressed length as a varint, then elements. The low two bits of an element's tag say what it is: 0 a literal
// (length - 1 in the upper six bits, 60 and 61 meaning that one or two bytes follow with it), 1 a copy of 4 to 11 bytes with an 11-bit
// offset, 2 a copy of 1 to 64 bytes with a 16-bit offset.
#include "guest.h"

#define PIECES 24u
#define PIECE_SIZE (128u * 1024u)
#define BLOCK_SIZE 65536u
#define HASH_BITS 14
#define MAX_COMPRESSED(n) (32 + (n) + (n) / 6)

static uint8_t *heap_next, *heap_end;

static uint8_t *allocate(uint32_t size) {
  size = (size + 15u) & ~15u;
  while ((size_t)(heap_end - heap_next) < size) {
    uint8_t *page = grow_memory(1);
    if (!page)
      return NULL;
    if (page != heap_end)
      heap_next = page;
    heap_end = page + PAGE_SIZE;
  }
  uint8_t *block = heap_next;
  heap_next += size;
  return block;
}

// Gives back the tail of the newest block: it really used only so many bytes.
static void shrink_newest(uint8_t *block, uint32_t used) { heap_next = block + ((used + 15u) & ~15u); }

static inline uint32_t load32(const uint8_t *p) {
  uint32_t value;
  __builtin_memcpy(&value, p, 4);
  return value;
}

static inline void store32(uint8_t *p, uint32_t value) { __builtin_memcpy(p, &value, 4); }

static uint64_t random_state;

static inline uint32_t random32(void) { // xorshift64*
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (uint32_t)(random_state * 0x2545f4914f6cdd1dull >> 32);
}

// Fills a piece with stretches of one of four kinds: noise, words of a small language, runs, and echoes of what came before.
static void generate(uint8_t *out, uint32_t size) {
  static const uint8_t syllables[] = "ka""to""mi""re""so""lu""ven""dar""is""on";
  uint32_t at = 0;
  while (at < size) {
    uint32_t kind = random32() & 7, length = 64 + (random32() & 1023);
    if (length > size - at)
      length = size - at;
    uint32_t end = at + length;
    if (kind == 0) {
      while (at < end)
        out[at++] = (uint8_t)random32();
    } else if (kind == 1) {
      uint8_t byte = (uint8_t)random32();
      while (at < end)
        out[at++] = byte;
    } else if (kind <= 3 && at > 256) {
      uint32_t back = 1 + random32() % (at < 30000 ? at : 30000);
      for (; at < end; at++)
        out[at] = (random32() & 127) ? out[at - back] : (uint8_t)at;
    } else {
      while (at < end) {
        uint32_t pick = random32();
        for (uint32_t n = 1 + (pick & 3); n && at < end; n--) {
          pick >>= 4;
          out[at++] = syllables[pick % 11 * 2];
          if (at < end)
            out[at++] = syllables[pick % 11 * 2 + 1];
        }
        if (at < end)
          out[at++] = ' ';
      }
    }
  }
}

static uint8_t *emit_literal(uint8_t *out, const uint8_t *from, uint32_t length) {
  uint32_t n = length - 1;
  if (n < 60) {
    *out++ = (uint8_t)(n << 2);
  } else if (n < 256) {
    *out++ = 60 << 2;
    *out++ = (uint8_t)n;
  } else {
    *out++ = 61 << 2;
    *out++ = (uint8_t)n;
    *out++ = (uint8_t)(n >> 8);
  }
  while (length >= 4) {
    store32(out, load32(from));
    out += 4, from += 4, length -= 4;
  }
  while (length--)
    *out++ = *from++;
  return out;
}

static uint8_t *emit_long_copy(uint8_t *out, uint32_t offset, uint32_t length) {
  *out++ = (uint8_t)((length - 1) << 2 | 2);
  *out++ = (uint8_t)offset;
  *out++ = (uint8_t)(offset >> 8);
  return out;
}

static uint8_t *emit_copy(uint8_t *out, uint32_t offset, uint32_t length) {
  for (; length >= 68; length -= 64) // leaves at least 4
    out = emit_long_copy(out, offset, 64);
  if (length > 64) {
    out = emit_long_copy(out, offset, 60);
    length -= 60;
  }
  if (length >= 12 || offset >= 2048)
    return emit_long_copy(out, offset, length);
  *out++ = (uint8_t)(offset >> 8 << 5 | (length - 4) << 2 | 1);
  *out++ = (uint8_t)offset;
  return out;
}

static inline uint32_t hash(uint32_t bytes) { return bytes * 0x1e35a7bdu >> (32 - HASH_BITS); }

// Compresses one block of at most 64 KiB: offsets within it fit 16 bits.
static uint8_t *compress_block(const uint8_t *in, uint32_t size, uint8_t *out, uint16_t *table) {
  for (uint32_t i = 0; i < 1u << HASH_BITS; i++)
    table[i] = 0;
  uint32_t at = 1, literal = 0, misses = 32;
  while (at + 15 < size) {
    uint32_t bytes = load32(in + at), slot = hash(bytes), candidate = table[slot];
    table[slot] = (uint16_t)at;
    if (load32(in + candidate) != bytes) {
      at += misses++ >> 5; // the longer nothing matches, the wider the steps
      continue;
    }
    misses = 32;
    if (literal < at)
      out = emit_literal(out, in + literal, at - literal);
    uint32_t length = 4;
    while (at + length < size && in[candidate + length] == in[at + length])
      length++;
    out = emit_copy(out, at - candidate, length);
    at += length;
    literal = at;
    if (at + 15 < size)
      table[hash(load32(in + at - 1))] = (uint16_t)(at - 1);
  }
  return literal < size ? emit_literal(out, in + literal, size - literal) : out;
}

static uint32_t compress(const uint8_t *in, uint32_t size, uint8_t *out, uint16_t *table) {
  uint8_t *start = out;
  uint32_t n = size;
  for (; n >= 128; n >>= 7)
    *out++ = (uint8_t)(n | 128);
  *out++ = (uint8_t)n;
  for (uint32_t at = 0; at < size; at += BLOCK_SIZE)
    out = compress_block(in + at, size - at < BLOCK_SIZE ? size - at : BLOCK_SIZE, out, table);
  return (uint32_t)(out - start);
}

// Decompresses into out (which has room for `capacity`); returns the size, or 0 for anything malformed.
static uint32_t decompress(const uint8_t *in, uint32_t size, uint8_t *out, uint32_t capacity) {
  const uint8_t *end = in + size;
  uint32_t expected = 0, at = 0, shift = 0;
  for (;; shift += 7) {
    if (in == end || shift > 28)
      return 0;
    expected |= (uint32_t)(*in & 127) << shift;
    if (*in++ < 128)
      break;
  }
  if (expected > capacity)
    return 0;
  while (in < end) {
    uint32_t tag = *in++, length, offset;
    if ((tag & 3) == 0) {
      length = tag >> 2;
      uint32_t bytes = length < 60 ? 0 : length - 59;
      if (bytes > 2 || (uint32_t)(end - in) < bytes)
        return 0;
      if (bytes) {
        length = in[0] | (bytes == 2 ? (uint32_t)in[1] << 8 : 0);
        in += bytes;
      }
      length++;
      if ((uint32_t)(end - in) < length || expected - at < length)
        return 0;
      for (uint32_t i = 0; i < length; i++)
        out[at + i] = in[i];
      in += length;
      at += length;
      continue;
    }
    if ((tag & 3) == 1 && end - in >= 1) {
      length = 4 + (tag >> 2 & 7);
      offset = tag >> 5 << 8 | in[0];
      in += 1;
    } else if ((tag & 3) == 2 && end - in >= 2) {
      length = 1 + (tag >> 2);
      offset = in[0] | (uint32_t)in[1] << 8;
      in += 2;
    } else {
      return 0;
    }
    if (offset == 0 || offset > at || expected - at < length)
      return 0;
    for (uint32_t i = 0; i < length; i++, at++) // may overlap what it writes
      out[at] = out[at - offset];
  }
  return at == expected ? at : 0;
}

// The checksum (FNV-1a over the compressed bytes, 32 bits) above the total compressed size (32 bits); 0 if memory ran out or
// a piece does not come back as it was.
EXPORT("app_main") int64_t snappy_compress(void) {
  random_state = 0x9e3779b97f4a7c15ull;
  uint32_t checksum = 2166136261u, total = 0;
  uint16_t *table = (uint16_t *)(void *)allocate(sizeof(uint16_t) << HASH_BITS);
  if (!table)
    return 0;
  for (uint32_t piece = 0; piece < PIECES; piece++) {
    uint8_t *original = allocate(PIECE_SIZE);
    uint8_t *restored = allocate(PIECE_SIZE);
    uint8_t *compressed = allocate(MAX_COMPRESSED(PIECE_SIZE));
    if (!original || !restored || !compressed)
      return 0;
    generate(original, PIECE_SIZE);
    uint32_t size = compress(original, PIECE_SIZE, compressed, table);
    shrink_newest(compressed, size);
    if (decompress(compressed, size, restored, PIECE_SIZE) != PIECE_SIZE)
      return 0;
    for (uint32_t i = 0; i < PIECE_SIZE; i += 4)
      if (load32(original + i) != load32(restored + i))
        return 0;
    for (uint32_t i = 0; i < size; i++)
      checksum = (checksum ^ compressed[i]) * 16777619u;
    total += size;
  }
  return (int64_t)((uint64_t)checksum << 32 | total);
}
