import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useCounter } from '#test/helpers/counter.ts'

const CHROMIUM = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(path => existsSync(path))
// Evaluated, not added as a script: the pages allow no script but their own.
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const SHOTS = join(import.meta.dirname, '..', '..', 'var', 'screenshots')
const service = { case: '371500202611240012', service: 2 }

const counter = useCounter()
let browser: Browser
let context: BrowserContext
let clerk: Page
let pad: Page
let collector: Page
const faults: string[] = []

async function open(url: string, viewport: { width: number; height: number }): Promise<Page> {
  const page = await context.newPage()
  await page.setViewportSize(viewport)
  page.on('pageerror', error => faults.push(`${url}: ${error.message}`))
  page.on('console', message => message.type() === 'error' && faults.push(`${url}: ${message.text()}`))
  await page.goto(url)
  return page
}

beforeAll(async () => {
  if (!CHROMIUM) throw new Error('no Chromium on this machine: apt-get install chromium-headless-shell')
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  context = await browser.newContext({ locale: 'zh-CN' })
  clerk = await open(counter.counter.clerkUrl, { width: 1366, height: 768 })
  pad = await open(counter.counter.padUrl, { width: 1366, height: 900 })
  collector = await open(counter.counter.collectorUrl, { width: 1440, height: 900 })
}, 60_000)
afterAll(() => browser?.close())

describe('the pages of a counter, in a real browser', () => {
  test('the clerk asks by keyboard, the citizen presses a face, the collector shows it', async () => {
    await counter.client.register(service)
    await clerk.keyboard.type(`${service.case}#${service.service}`)
    await clerk.keyboard.press('Enter')
    await clerk.getByText('等待评价').first().waitFor()
    await pad.getByText('请您对本次服务进行评价').first().waitFor()
    await counter.client.listening()
    await pad
      .getByRole('button', { name: /基本满意/ })
      .first()
      .click()
    await clerk.getByText('已评价', { exact: true }).first().waitFor()
    expect(await clerk.locator('body').textContent()).not.toMatch(/满意/)
    const row = collector.locator('tr, li, [role=row]', { hasText: service.case }).first()
    await row.getByText('基本满意').waitFor()
    for (const [name, page] of Object.entries({ clerk, pad, collector })) {
      await page.screenshot({ path: join(SHOTS, `${name}.png`) })
    }
  })

  test('the clerk cancels by keyboard, with a reason', async () => {
    await clerk.keyboard.type('371500202611240013')
    await clerk.keyboard.press('Enter')
    await clerk.getByText('等待评价').first().waitFor()
    await clerk.keyboard.press('Escape')
    await clerk.keyboard.press('1')
    await clerk.getByText('已取消').first().waitFor()
  })

  test('unplugging the pad is seen by the clerk, and plugging it in again', async () => {
    await pad.getByRole('button', { name: /拔下/ }).click()
    await clerk
      .getByText('评价器未连接')
      .or(clerk.getByText(/评价器.*(断开|不可用)/))
      .first()
      .waitFor()
    await pad.getByRole('button', { name: /插上|插回|接上/ }).click()
    await clerk.getByText('评价器就绪').first().waitFor()
  })

  test('every page is usable by everybody: no serious finding of axe, no error in the console', async () => {
    for (const page of [clerk, pad, collector]) {
      await page.evaluate(axe)
      const findings = await page.evaluate(async () => {
        const { axe } = window as unknown as {
          axe: { run(): Promise<{ violations: { id: string; impact: string }[] }> }
        }
        const { violations } = await axe.run()
        return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id }) => id)
      })
      expect(findings, page.url()).toEqual([])
    }
    expect(faults).toEqual([])
  })

  test('every Chinese text is drawn in a font that has it, and no page is wider than its window', async () => {
    for (const [page, width] of [
      [clerk, 360],
      [pad, 390],
      [collector, 390],
    ] as const) {
      await page.setViewportSize({ width, height: 800 })
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect(overflow, page.url()).toBeLessThanOrEqual(0)
      const session = await context.newCDPSession(page)
      await session.send('DOM.enable')
      await session.send('CSS.enable')
      const { root } = await session.send('DOM.getDocument')
      const { nodeId } = await session.send('DOM.querySelector', { nodeId: root.nodeId, selector: 'h1, header' })
      const { fonts } = await session.send('CSS.getPlatformFontsForNode', { nodeId })
      expect(fonts.map(font => font.familyName).join()).toMatch(/CJK|Han|Hei|Song/)
    }
  })
})
