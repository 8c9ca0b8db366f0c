/** Takes one problem and the path of the place it stands in. */
export type Report = (path: (string | number)[], message: string) => void
