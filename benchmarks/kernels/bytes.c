// Byte-wise memory: base64 there and back, UTF-8 checked and counted, a CRC by table, letters counted.
#include "../../testdata/guests/guest.h"

#define SIZE 49152

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static uint8_t input[SIZE], text[SIZE / 3 * 4], back[SIZE], value_of[256];
static uint32_t crc_table[256], letters[256];

static void prepare(void) {
  uint32_t seed = 7;
  for (int i = 0; i < SIZE; i++) {
    seed = seed * 1103515245 + 12345;
    input[i] = (uint8_t)(seed >> 16);
  }
  for (int i = 0; i < 64; i++)
    value_of[(uint8_t)digits[i]] = (uint8_t)i;
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++)
      crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    crc_table[i] = crc;
    letters[i] = 0;
  }
}

static void encode(void) {
  uint8_t *to = text;
  for (int i = 0; i < SIZE; i += 3) {
    uint32_t three = (uint32_t)input[i] << 16 | (uint32_t)input[i + 1] << 8 | input[i + 2];
    *to++ = (uint8_t)digits[three >> 18];
    *to++ = (uint8_t)digits[three >> 12 & 63];
    *to++ = (uint8_t)digits[three >> 6 & 63];
    *to++ = (uint8_t)digits[three & 63];
  }
}

static void decode(void) {
  uint8_t *to = back;
  for (int i = 0; i < SIZE / 3 * 4; i += 4) {
    uint32_t three = (uint32_t)value_of[text[i]] << 18 | (uint32_t)value_of[text[i + 1]] << 12 | (uint32_t)value_of[text[i + 2]] << 6 |
                     value_of[text[i + 3]];
    *to++ = (uint8_t)(three >> 16);
    *to++ = (uint8_t)(three >> 8);
    *to++ = (uint8_t)three;
  }
}

static uint32_t count_characters(const uint8_t *from, int length) { // well-formed sequences of UTF-8
  uint32_t count = 0;
  for (int i = 0; i < length;) {
    uint8_t first = from[i++];
    int more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : -1;
    if (more < 0)
      continue;
    int good = 1;
    for (; more > 0 && i < length; more--) {
      if ((from[i] & 0xc0) != 0x80) {
        good = 0;
        break;
      }
      i++;
    }
    count += (uint32_t)good;
  }
  return count;
}

static uint32_t crc_of(const uint8_t *from, int length) {
  uint32_t crc = ~0u;
  for (int i = 0; i < length; i++)
    crc = crc >> 8 ^ crc_table[(crc ^ from[i]) & 255];
  return ~crc;
}

EXPORT("app_main") int64_t bytes(void) {
  prepare();
  uint64_t sum = 0;
  for (uint32_t round = 0; round < 40; round++) {
    input[round * 1000] ^= (uint8_t)round;
    encode();
    decode();
    for (int i = 0; i < SIZE; i++)
      letters[back[i]]++;
    sum = sum * 31 + count_characters(back, SIZE) + crc_of(text, SIZE / 3 * 4);
  }
  for (int i = 0; i < 256; i++)
    sum = sum * 33 + letters[i];
  return (int64_t)sum;
}
