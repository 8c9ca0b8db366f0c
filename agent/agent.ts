/** One box that runs. */
export interface Agent {
  /** Address of the clerk's page. */
  url: string
  /** False when the journal cannot be written: the page says so, and `onFatal` follows. */
  isInService: boolean
  close(): Promise<void>
}
