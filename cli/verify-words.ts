import type { FaultCode } from '#collector/verify/fault.ts'
import type { VerifyNote, VerifyStage } from '#collector/verify/verify-store.ts'
import type { Text } from '#runtime/language.ts'

/** What each fault means; docs/evidence.md says what to do about it. */
export const FAULT_TEXTS: Readonly<Record<FaultCode, Text>> = {
  'schema-differs': { zh: '表、索引或触发器与本程序不符', en: 'a table, index or trigger is not this program’s' },
  'row-missing': { zh: '由证据应有的一行不存在', en: 'a row that follows from the evidence is missing' },
  'row-extra': { zh: '多出一行，没有条目可得出它', en: 'a row too many: no entry gives it' },
  'row-differs': { zh: '一行与证据得出的不符', en: 'a row is not what the evidence gives' },
  'entry-missing': { zh: '条目缺失', en: 'an entry is missing' },
  'entry-altered': { zh: '条目被改动', en: 'an entry was altered' },
  'entry-misplaced': { zh: '条目不在其批所述的位置', en: 'an entry is not where its batch says' },
  'entry-without-batch': { zh: '条目无签名覆盖', en: 'an entry that nobody signed' },
  'entry-not-readable': { zh: '条目字节不合格式', en: 'the bytes of an entry are not those of one' },
  'entry-not-derivable': { zh: '条目与其他条目矛盾，无法入表', en: 'an entry that no table can follow from' },
  'kind-not-allowed': { zh: '该链不得有此类条目', en: 'a kind of entry this chain may not hold' },
  'batch-missing': { zh: '批缺失，其条目无签名', en: 'a batch is missing, its entries have no signature' },
  'batch-altered': { zh: '批被改动', en: 'a batch was altered' },
  'batch-overlaps': { zh: '批与另一批重叠', en: 'a batch overlaps another' },
  'batch-without-entries': { zh: '批没有对应条目', en: 'a batch without its entries' },
  'chain-broken': { zh: '链中断', en: 'a chain is broken' },
  'bad-signature': { zh: '签名不成立', en: 'a signature does not hold' },
  'bad-receipt': { zh: '回执不成立', en: 'a receipt does not hold' },
  'box-not-enrolled': { zh: '盒子未登记', en: 'the box was not enrolled' },
  'box-revoked': { zh: '盒子已吊销', en: 'the box was revoked' },
  'digest-missing': { zh: '每日摘要缺失', en: 'a daily digest is missing' },
  'digest-differs': { zh: '与每日摘要不符', en: 'not what the daily digest was made over' },
  'prompt-not-conserved': { zh: '邀评与结果不一一对应', en: 'a prompt without exactly one outcome' },
  'cut-short': { zh: '文件不完整', en: 'the file is cut short' },
  'file-not-readable': { zh: '文件格式不符', en: 'the file is not as it should be' },
}

export const NOTE_TEXTS: Readonly<Record<VerifyNote['code'], Text>> = {
  'grades-not-opened': {
    zh: '未提供开封密钥：评价等级、标签和意见没有核对，只核对了封存的字节。',
    en: 'NO OPENING KEYS: grades, tags and words were not compared, only their sealed bytes.',
  },
  'tables-behind': {
    zh: '查询表尚未跟上证据（汇集中心停止时正常），其余条目未与表核对。',
    en: 'The tables are behind the evidence (usual when a collector was stopped); what follows was not compared.',
  },
  'key-from-the-file': {
    zh: '未提供汇集中心公钥：用的是文件自带的公钥，须另行确认其指纹。',
    en: 'NO COLLECTOR KEY GIVEN: the one in the file was used. Compare its fingerprint with the one you know.',
  },
  'tables-not-compared': {
    zh: '证据文件只含证据，查询表没有核对。',
    en: 'An evidence file holds evidence only: no tables were compared.',
  },
}

export const STAGE_TEXTS: Readonly<Record<VerifyStage, Text>> = {
  evidence: { zh: '核验证据', en: 'checking evidence' },
  tables: { zh: '由证据重算各表', en: 'deriving tables' },
  comparison: { zh: '逐行比对各表', en: 'comparing tables' },
}
