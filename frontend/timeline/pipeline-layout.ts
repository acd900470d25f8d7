type Anchor = 'start' | 'middle' | 'end'

/** Where a step is drawn, and its texts: name and time below or beside it, the process above. */
interface Station {
  x: number
  y: number
  textX: number
  textY: number
  anchor: Anchor
  byX?: number
  byAnchor?: Anchor
}

interface Lane {
  name: string
  kind: string
  x: number
  y: number
  width: number
  height: number
  textX: number
  textY: number
  upright?: boolean
}

export interface Layout {
  /** The way to the two steps of a refund and between them, which are drawn after the others. */
  refund: Pick<Layout, 'stations' | 'ways'> & { more: { width: number; height: number } }
  width: number
  height: number
  lanes: Lane[]
  stations: Station[]
  ways: string[]
}

const below = (x: number, y: number): Station => ({
  x,
  y,
  textX: x,
  textY: y + 36,
  anchor: 'middle',
})

/** From left to right: down through the broker to Payments, and up again. */
export const wide: Layout = {
  refund: {
    more: { width: 300, height: 0 },
    stations: [below(1010, 58), below(1170, 58)],
    ways: ['M880 58H1010', 'M1010 58C1070 58 1050 254 1090 254C1130 254 1110 58 1170 58'],
  },
  width: 960,
  height: 328,
  lanes: [
    { name: 'Orders', kind: 'orders', x: 0, y: 0, width: 960, height: 132, textX: 24, textY: 34 },
    {
      name: 'RabbitMQ',
      kind: 'broker',
      x: 0,
      y: 140,
      width: 960,
      height: 48,
      textX: 24,
      textY: 169,
    },
    {
      ...{ name: 'Payments', kind: 'payments', x: 0, y: 196, width: 960, height: 132 },
      ...{ textX: 24, textY: 230 },
    },
  ],
  stations: [
    below(180, 58),
    below(330, 58),
    { ...below(440, 254), byX: 520 },
    below(600, 254),
    { ...below(760, 254), byX: 768, byAnchor: 'end' },
    below(880, 58),
  ],
  ways: [
    'M180 58H330',
    'M330 58C410 58 360 254 440 254',
    'M440 254H600',
    'M600 254H760',
    'M760 254C836 254 804 58 880 58',
  ],
}

/** From top to bottom, for narrow screens: Orders on the left, Payments on the right. */
export const narrow: Layout = {
  refund: {
    more: { width: 0, height: 160 },
    stations: [
      { x: 32, y: 516, textX: 54, textY: 512, anchor: 'start' },
      { x: 32, y: 606, textX: 54, textY: 602, anchor: 'start' },
    ],
    ways: ['M32 446V516', 'M32 516C32 561 292 516 292 561C292 606 32 561 32 606'],
  },
  width: 320,
  height: 500,
  lanes: [
    { name: 'Orders', kind: 'orders', x: 0, y: 0, width: 124, height: 500, textX: 16, textY: 28 },
    {
      ...{ name: 'RabbitMQ', kind: 'broker', x: 132, y: 0, width: 36, height: 500 },
      ...{ textX: 155, textY: 92, upright: true },
    },
    {
      ...{ name: 'Payments', kind: 'payments', x: 176, y: 0, width: 144, height: 500 },
      ...{ textX: 192, textY: 28 },
    },
  ],
  stations: [
    { x: 32, y: 70, textX: 54, textY: 66, anchor: 'start' },
    { x: 32, y: 140, textX: 54, textY: 136, anchor: 'start' },
    { x: 292, y: 220, textX: 270, textY: 216, anchor: 'end' },
    { x: 292, y: 290, textX: 270, textY: 286, anchor: 'end' },
    { x: 292, y: 360, textX: 270, textY: 356, anchor: 'end' },
    { x: 32, y: 446, textX: 54, textY: 442, anchor: 'start' },
  ],
  ways: [
    'M32 70V140',
    'M32 140C32 200 292 160 292 220',
    'M292 220V290',
    'M292 290V360',
    'M292 360C292 426 32 380 32 446',
  ],
}

/** The same with the steps of a refund, and room for them. */
export function withRefund({ refund, ...payment }: Layout): Layout {
  const { more, stations, ways } = refund
  return {
    ...{ refund, width: payment.width + more.width, height: payment.height + more.height },
    lanes: payment.lanes.map((lane) => ({
      ...lane,
      ...{ width: lane.width + more.width, height: lane.height + more.height },
    })),
    stations: [...payment.stations, ...stations],
    ways: [...payment.ways, ...ways],
  }
}
