/* The colours and sizes of PARITY 9.3. No drawing. */
#include "image/draw.h"

#include <math.h>

static const struct {
    uint32_t fill;
    bool dark_text;
} palette[20] = {
    {0x042AFF, false}, {0x0BDBEB, true},  {0xF3F3F3, true},  {0x00DFB7, true},  {0x111F68, false},
    {0xFF6FDD, true},  {0xFF444F, false}, {0xCCED00, true},  {0x00F344, true},  {0xBD00FF, false},
    {0x00B4FF, false}, {0xDD00BA, false}, {0x00FFFF, true},  {0x26C000, false}, {0x01FFB3, true},
    {0x7D24FF, false}, {0x7B0068, false}, {0xFF1B6C, false}, {0xFC6D2F, false}, {0xA2FF0B, true},
};

static void split(uint32_t rgb, uint8_t out[3]) {
    out[0] = (uint8_t)(rgb >> 16);
    out[1] = (uint8_t)(rgb >> 8);
    out[2] = (uint8_t)rgb;
}

void yk__draw_color(int32_t class_id, uint8_t fill[3], uint8_t text[3]) {
    int32_t i = class_id > 0 ? class_id % 20 : 0;
    split(palette[i].fill, fill);
    split(palette[i].dark_text ? 0x111F68 : 0xFFFFFF, text);
}

int yk__draw_line_width(int32_t width, int32_t height) {
    double suits = rint(((double)height + width + 3) / 2 * 0.003);
    return suits < 2 ? 2 : (int)suits;
}
