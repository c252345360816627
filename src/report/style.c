/* SPDX-License-Identifier: Apache-2.0 */
#include "report/style.h"

const char style_text[] =
    ":root{color-scheme:light dark;--ground:#fff;--card:#f7f8fa;--ink:#1b1f24;--soft:#57606a;--"
    "line:#d8dee4;--accent:#0b5cad;--kept:#0b5cad;--broken:#b84300;--stopped:#57606a;--blind:#6"
    "f42c1;--band:#eef1f4}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--ground:#14171b;--card:#1c2026;--ink:"
    "#e8eaed;--soft:#a8b0ba;--line:#343b44;--accent:#6cb2ff;--kept:#6cb2ff;--broken:#ff9d5c;--s"
    "topped:#a8b0ba;--blind:#c4a1ff;--band:#242a31}}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%}\n"
    "body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,\"Segoe UI"
    "\",Roboto,sans-serif;overflow-wrap:anywhere}\n"
    "main,header,footer{max-width:1180px;margin:0 auto;padding:0 24px}\n"
    "header{padding-top:32px}\n"
    ".mast{display:flex;justify-content:space-between;align-items:center;gap:16px;flex-wrap:wra"
    "p;border-bottom:2px solid var(--accent);padding-bottom:10px;margin-bottom:22px;color:var(-"
    "-soft);font-size:.9rem}\n"
    ".mast b{color:var(--ink);font-weight:600}\n"
    ".mast img{max-height:44px;max-width:220px;vertical-align:middle;margin-right:12px}\n"
    "h1{font-size:2rem;line-height:1.15;font-weight:650;letter-spacing:-.015em;margin:0 0 6px}\n"
    "h2{font-size:1.3rem;line-height:1.25;font-weight:620;letter-spacing:-.01em;margin:44px 0 1"
    "0px}\n"
    "h3{font-size:1rem;font-weight:620;margin:22px 0 6px}\n"
    "p{margin:6px 0;max-width:75ch}\n"
    ".lede{font-size:1.12rem;line-height:1.45;margin:8px 0}\n"
    ".formula{margin:4px 0 26px;font-size:.93rem;max-width:none}\n"
    ".soft{color:var(--soft)}\n"
    ".more{font-size:.9rem}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:20px 24px"
    ";margin:20px 0;padding:0;list-style:none}\n"
    ".tiles li{border-top:1px solid var(--line);padding:8px 0 0;font-size:.92rem;color:var(--so"
    "ft)}\n"
    ".tiles strong{display:block;font-size:1.75rem;line-height:1.15;font-weight:620;color:var(-"
    "-ink);font-variant-numeric:tabular-nums}\n"
    ".banner{background:var(--card);border-left:4px solid var(--blind);padding:12px 18px;margin"
    ":18px 0}\n"
    ".banner ul{margin:6px 0;padding-left:20px}\n"
    ".front{display:grid;grid-template-columns:200px minmax(0,1fr);gap:12px 36px;align-items:st"
    "art;margin:22px 0 8px}\n"
    ".grade{border-top:3px solid var(--accent);padding-top:8px}\n"
    ".grade b{display:block;font-size:5.2rem;line-height:1;font-weight:680;color:var(--accent)}\n"
    ".grade span{display:block;font-size:1.02rem;font-variant-numeric:tabular-nums}\n"
    ".parts{border:0;background:none;margin:0}\n"
    ".parts th,.parts td{background:none;padding:5px 10px 5px 0;border-bottom:1px solid var(--l"
    "ine)}\n"
    ".parts thead th{color:var(--soft);font-weight:500;font-size:.85rem}\n"
    ".parts tr.sum td,.parts tr.sum th{border-bottom:0;font-weight:650}\n"
    ".parts .part{font-weight:600}\n"
    "td small,th small{display:block;color:var(--soft);font-size:.9em;font-weight:400}\n"
    ".meter{display:block;width:100%;min-width:90px;height:8px;background:var(--band);margin-to"
    "p:8px}\n"
    ".meter i{display:block;height:8px;background:var(--accent)}\n"
    ".say{display:grid;grid-template-columns:minmax(0,1fr) fit-content(360px);gap:8px 40px;alig"
    "n-items:center}\n"
    ".trend{width:320px;max-width:100%;margin:8px 0}\n"
    ".trend svg{display:block;width:100%;height:auto}\n"
    "svg .line{fill:none;stroke:var(--accent);stroke-width:2}\n"
    "svg .dot{fill:var(--accent)}\n"
    "svg .now{fill:var(--accent);stroke:var(--ground);stroke-width:2}\n"
    ".actions{list-style:none;padding:0;margin:10px 0;counter-reset:a}\n"
    ".actions li{counter-increment:a;display:grid;grid-template-columns:2rem minmax(0,1fr) 14re"
    "m;grid-template-rows:auto 1fr;gap:2px 18px;padding:10px 0;border-top:1px solid var(--line)"
    ";break-inside:avoid}\n"
    ".actions li::before{content:counter(a);font-size:1.3rem;font-weight:650;line-height:1.2;co"
    "lor:var(--accent);grid-row:span 2}\n"
    ".actions b{font-weight:620}\n"
    ".actions .why::first-letter,.actions .effort b{text-transform:capitalize}\n"
    ".actions .why{grid-column:2;color:var(--soft);font-size:.93rem}\n"
    ".actions .effort{grid-column:3;grid-row:1/span 2;font-size:.9rem;color:var(--soft)}\n"
    ".actions .effort b{display:block;color:var(--ink)}\n"
    ".kept{color:var(--kept)}.tiles strong.kept{color:var(--kept)}\n"
    ".broken,.tiles strong.broken{color:var(--broken)}\n"
    ".stopped{color:var(--stopped)}\n"
    ".blind,.tiles strong.blind{color:var(--blind)}\n"
    ".strong{font-weight:620}\n"
    ".loud{background:var(--broken);color:var(--ground);font-weight:650;padding:12px 18px;margi"
    "n:18px 0}\n"
    ".loud p{max-width:none}\n"
    "figure{margin:14px 0;padding:0}\n"
    ".scroll{overflow-x:auto}\n"
    "figure svg{display:block;width:100%;height:auto}\n"
    "figcaption{color:var(--soft);font-size:.9rem;margin-top:8px}\n"
    "svg text{fill:var(--ink);font:12px system-ui,\"Segoe UI\",Roboto,sans-serif}\n"
    "svg .soft{fill:var(--soft)}\n"
    "svg .band{fill:var(--band)}\n"
    "svg .grid{stroke:var(--line)}\n"
    "svg .edge{stroke:var(--soft);stroke-width:2}\n"
    "svg .s-kept{fill:var(--kept)}\n"
    "svg .s-broken{fill:var(--broken)}\n"
    "svg .s-stopped{fill:none;stroke:var(--stopped);stroke-width:1.5}\n"
    "svg .s-blind{fill:none;stroke:var(--blind);stroke-width:2}\n"
    "svg .on{fill:var(--ground);font-weight:700}\n"
    "svg .off{fill:var(--stopped);font-weight:700}\n"
    "svg .q{fill:var(--blind);font-weight:700}\n"
    ".span{display:block;width:100%;min-width:150px;height:16px}\n"
    "td:has(.span){width:26%}\n"
    ".span .life{fill:var(--accent)}\n"
    ".span .over{fill:none;stroke:var(--soft);stroke-width:1.2;stroke-dasharray:3 2}\n"
    ".span .asked{fill:none;stroke:var(--accent);stroke-width:1.2}\n"
    ".span .bad{fill:var(--broken)}\n"
    ".span .today{stroke:var(--ink);stroke-width:1.5}\n"
    ".span .month{stroke:var(--line);stroke-width:1}\n"
    ".span .review{fill:var(--ground);stroke:var(--ink);stroke-width:1.4}\n"
    ".key{display:flex;flex-wrap:wrap;gap:4px 22px;color:var(--soft);font-size:.88rem;margin:8p"
    "x 0;align-items:center}\n"
    ".key svg{width:34px;height:14px;vertical-align:-2px;margin-right:6px}\n"
    "table{overflow-wrap:break-word;border-collapse:collapse;width:100%;font-size:.92rem;margin"
    ":8px 0}\n"
    "caption{text-align:left;color:var(--soft);padding:4px 0;font-size:.9rem}\n"
    "th,td{padding:6px 12px 6px 0;border-bottom:1px solid var(--line);text-align:left;vertical-"
    "align:top}\n"
    "th:last-child,td:last-child{padding-right:0}\n"
    "thead th{font-weight:600;border-bottom:1.5px solid var(--ink);white-space:normal}\n"
    "td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}\n"
    ".short{white-space:nowrap}\n"
    "code{font:.9em ui-monospace,\"Cascadia Mono\",Consolas,monospace}\n"
    "footer{color:var(--soft);font-size:.88rem;margin-top:44px;padding-top:14px;padding-bottom:"
    "40px}\n"
    "footer p{max-width:none}\n"
    "@media screen and (max-width:1040px){.cards thead{position:absolute;width:1px;height:1px;o"
    "verflow:hidden;clip-path:inset(50%)}.cards,.cards tbody,.cards tr,.cards td{display:block}"
    ".cards tr{border-bottom:2px solid var(--line);padding:8px 0}.cards caption{display:block;p"
    "adding:6px 0}.cards td{border:0;padding:2px 0;overflow-wrap:anywhere}.cards td.number{text"
    "-align:left}.cards td::before{content:attr(data-label) \": \";color:var(--soft)}.cards td:"
    "empty{display:none}}\n"
    "@media screen and (max-width:760px){main,header,footer{padding-left:16px;padding-right:16p"
    "x}h1{font-size:1.6rem}.front,.say{grid-template-columns:minmax(0,1fr)}.grade{display:flex;"
    "gap:18px;align-items:center}.grade b{font-size:3.6rem}.actions li{grid-template-columns:2r"
    "em minmax(0,1fr)}.actions .effort{grid-column:2;grid-row:auto}.parts .meter,.parts .bar{di"
    "splay:none}}\n"
    "@page{margin:13mm 14mm 15mm;@bottom-right{content:counter(page) \" / \" counter(pages);fon"
    "t:8pt sans-serif;color:#57606a}}\n"
    "@media print{html{font-size:9.2pt}body{line-height:1.42;background:#fff}main,header,footer"
    "{max-width:none;padding-left:0;padding-right:0}header{padding-top:0}h1,h2,h3,caption{break"
    "-after:avoid}h2{margin:1.8rem 0 .5rem}p,li{orphans:3;widows:3}table{font-size:.86rem}th,td"
    "{padding:.32rem .7rem .32rem 0}thead{display:table-header-group;break-after:avoid}tbody tr"
    ":first-child,tbody tr:nth-child(2){break-before:avoid}tr,.tiles li,.banner li,.key,.front{"
    "break-inside:avoid}figure{break-inside:avoid}figure svg{max-height:225mm;min-width:0!impor"
    "tant;max-width:100%!important}.scroll{overflow:visible}.banner{padding:.5rem 1rem;backgrou"
    "nd:none;border:.75pt solid var(--line);border-left:3pt solid var(--blind);margin:.9rem 0}."
    "loud{padding:.4rem 1rem;margin:.7rem 0;background:none;color:var(--broken);border:1.5pt so"
    "lid var(--broken)}.front{gap:8pt 16pt;grid-template-columns:76pt minmax(0,1fr);margin-top:"
    "1rem}.lede{font-size:1.02rem;margin:.25rem 0;max-width:none}.say{grid-template-columns:min"
    "max(0,1fr) fit-content(170pt);gap:6pt 16pt}.trend{width:170pt;margin:0}.formula{margin:.2r"
    "em 0 .9rem}.front .parts th,.front .parts td{padding-top:.2rem;padding-bottom:.2rem}.parts"
    " .bar{width:54pt}.parts .meter{min-width:0}.tiles{grid-template-columns:repeat(4,minmax(0,"
    "1fr));gap:.9rem 1.2rem}.actions li{grid-template-columns:1.8rem minmax(0,1fr) 17rem;paddin"
    "g:.3rem 0}.mast{margin-bottom:1rem}.span{min-width:105pt}footer{margin-top:1.6rem;padding-"
    "bottom:0}}\n";

/* What a channel of sRGB gives in light, of 65535 (IEC 61966-2-1). */
static const uint16_t linear[256] = {
    0,     20,    40,    60,    80,    99,    119,   139,   159,   179,   199,   219,   241,
    264,   288,   313,   340,   367,   396,   427,   458,   491,   526,   562,   599,   637,
    677,   718,   761,   805,   851,   898,   947,   997,   1048,  1101,  1156,  1212,  1270,
    1330,  1391,  1453,  1517,  1583,  1651,  1720,  1790,  1863,  1937,  2013,  2090,  2170,
    2250,  2333,  2418,  2504,  2592,  2681,  2773,  2866,  2961,  3058,  3157,  3258,  3360,
    3464,  3570,  3678,  3788,  3900,  4014,  4129,  4247,  4366,  4488,  4611,  4736,  4864,
    4993,  5124,  5257,  5392,  5530,  5669,  5810,  5953,  6099,  6246,  6395,  6547,  6700,
    6856,  7014,  7174,  7335,  7500,  7666,  7834,  8004,  8177,  8352,  8528,  8708,  8889,
    9072,  9258,  9445,  9635,  9828,  10022, 10219, 10417, 10619, 10822, 11028, 11235, 11446,
    11658, 11873, 12090, 12309, 12530, 12754, 12980, 13209, 13440, 13673, 13909, 14146, 14387,
    14629, 14874, 15122, 15371, 15623, 15878, 16135, 16394, 16656, 16920, 17187, 17456, 17727,
    18001, 18277, 18556, 18837, 19121, 19407, 19696, 19987, 20281, 20577, 20876, 21177, 21481,
    21787, 22096, 22407, 22721, 23038, 23357, 23678, 24002, 24329, 24658, 24990, 25325, 25662,
    26001, 26344, 26688, 27036, 27386, 27739, 28094, 28452, 28813, 29176, 29542, 29911, 30282,
    30656, 31033, 31412, 31794, 32179, 32567, 32957, 33350, 33745, 34143, 34544, 34948, 35355,
    35764, 36176, 36591, 37008, 37429, 37852, 38278, 38706, 39138, 39572, 40009, 40449, 40891,
    41337, 41785, 42236, 42690, 43147, 43606, 44069, 44534, 45002, 45473, 45947, 46423, 46903,
    47385, 47871, 48359, 48850, 49344, 49841, 50341, 50844, 51349, 51858, 52369, 52884, 53401,
    53921, 54445, 54971, 55500, 56032, 56567, 57105, 57646, 58190, 58737, 59287, 59840, 60396,
    60955, 61517, 62082, 62650, 63221, 63795, 64372, 64952, 65535,
};

/* Relative luminance, of 65535 (WCAG 2.1). */
static uint32_t luminance(uint32_t colour)
{
    uint32_t r = linear[colour >> 16 & 0xff], g = linear[colour >> 8 & 0xff];
    return (2126 * r + 7152 * g + 722 * linear[colour & 0xff]) / 10000;
}

uint32_t style_contrast(uint32_t a, uint32_t b)
{
    /* 0.05 of the full light is added to both: what every screen reflects. */
    uint32_t x = luminance(a) + 3277, y = luminance(b) + 3277;
    return x > y ? 100 * x / y : 100 * y / x;
}

static uint32_t lighter(uint32_t colour)
{
    uint32_t out = 0;
    for (unsigned shift = 0; shift < 24; shift += 8) {
        uint32_t channel = colour >> shift & 0xff;
        out |= (channel + (255 - channel + 7) / 8) << shift;
    }
    return out;
}

uint32_t style_for_dark(uint32_t colour)
{
    /* Each step goes an eighth of the way to white, where the contrast is 17 : 1. */
    for (unsigned i = 0; i < 64; i++) {
        if (style_contrast(colour, STYLE_GROUND_DARK) >= STYLE_LEAST_CONTRAST) break;
        colour = lighter(colour);
    }
    return colour;
}
