export interface ServerEvent {
  name: string
  data: string
}

/**
 * Takes the text of a `text/event-stream` piece by piece and gives the events that are whole.
 *
 * The browser's own EventSource cannot send an access key, hence this reading of our own (WHATWG HTML, section 9.2.6).
 */
export function createEventParser() {
  let pending = ''
  let name = ''
  let data: string[] = []

  function takeLine(line: string): ServerEvent | undefined {
    if (line === '') {
      const event = data.length > 0 ? { name: name || 'message', data: data.join('\n') } : undefined
      name = ''
      data = []
      return event
    }
    const [, field, value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (field === 'event') name = value
    if (field === 'data') data.push(value)
    return undefined
  }

  return {
    push(text: string): ServerEvent[] {
      const lines = (pending + text).split('\n')
      pending = lines.pop() ?? ''
      return lines.map(line => takeLine(line.replace(/\r$/, ''))).filter(event => event !== undefined)
    },
  }
}

/** Reads a response's events until it ends; `onBytes` tells of every sign of life, comments included. */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  onEvent: (event: ServerEvent) => void,
  onBytes: () => void,
): Promise<void> {
  const parser = createEventParser()
  const decoder = new TextDecoder()
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    onBytes()
    for (const event of parser.push(decoder.decode(value, { stream: true }))) onEvent(event)
  }
}
