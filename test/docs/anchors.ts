/** A page without its blocks of code. */
export const prose = (text: string) => text.replace(/^ *```[^]*?^ *```$/gm, '')

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf (text: string): string[] {
  const titles = [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title)
  return titles.map((title) => title.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replaceAll(' ', '-'))
}
