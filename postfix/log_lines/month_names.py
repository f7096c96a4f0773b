"""Abbreviated names of months, as strftime(3) writes them by the locale of whoever logs.

Owns: which months a word may stand for.  A word may be another month in another language (``lis`` is October
in Croatian and November in Polish), and one that is not known here may be any.
Source: ``abmon`` and ``ab_alt_mon`` of the GNU C Library's locales, without case and points.
"""

import re
import unicodedata
from functools import cache

_NAMES = (
    (
        "ama|ark|bhi|chi|de gen|dja|ean|ene|eni|faoi|fer|gen|ghe|ian|ini|ion|j-guer|jaan|jan|janv|jen|jän|"
        "kob|kohi|kwe|kăr|led|mqu|mut|oca|ođđj|pet|pha|phe|qun|s-ɔ|san|sau|saus|siakwa kati|sii|sij|stu|"
        "sty|stë|sun|sñt|sān|tammi|urt|xan|xin|yan|yen|zan|zen|çil|ýan|ğın|ιαν|ажь|гыйн|сту|січ|тохс|шрк|"
        "янв|яну|јан|қаң|հնվ|יאַנ|ינו|جانفي|جنؤری|جنوري|جنوری|كانون الثاني|يانۋار|ينا|يناير|ژانویه|܏ܟܢ ܏ܒ|"
        "ޖެނުއަރީ|जन|जनवरी|जन॰|जानुवारी|जाने|जानेवारी|बैसाख|জান|জানু|ਜਨ|જાન્યુ|ଜାନୁଆରୀ|ஜன|జన|ಜ|ಜನ|ജനു|ජන|"
        "ม.ค|ມ.ກ|ဂျာန်|ဇန်|လိူၼ်ၵမ်|იან|ልደት|ጃንዩ|ጠሐረ|ጥሪ|ᎤᏃ|ᔮᓄ|ṣẹ́rẹ́|一|一月"
    ),
    (
        "chk|chw|col|cʼhw|de febr|fab|fbl|feabh|feb|febr|fee|fep|fev|few|fib|fiw|fra|fre|fur|fév|févr|fēp|"
        "gas|gearr|gro|guov|gur|helmi|hla|hor|hui|hwe|k-ɔ|kup|kuswa kati|lab|luh|lut|mdu|nah|nar|ots|peb|"
        "phi|shk|sib|sñs|t-arree|thang|tlh|tsi|van|vas|veebr|velj|yan|èrèlè|úno|şub|φεβ|ақп|жәаб|лют|олун|"
        "пгж|феб|фев|փտր|פֿעב|פבר|شباط|شوب|فبر|فبراير|فبروري|فرؤری|فروري|فروری|فوریه|فيفري|فېۋرال|ܫܒܛ|"
        "ފެބްރުއަރީ|जेठ|फबरवरी|फर|फरवरी|फ़रवरी|फ़र॰|फेब्रु|फेब्रुअरी|फेब्रुवारी|ফেব|ফেব্ৰু|ਫ਼ਰ|ફેબ્રુ|"
        "ଫେବୃଆରୀ|பிப்|ఫిబ్ర|ಫೆ|ಫೆಬ್ರ|ഫെബ്രു|පෙබ|ก.พ|ກ.ພ|ဖေ|လိူၼ်သၢမ်|ဝှေဝ်|თებ|ለካቲ|ከተተ|ካብኽ|ፌብሩ|ᎧᎦ|ᕕᕗ|二|二月"
    ),
    (
        "ada|bit|bře|cig|de març|e-ɔ|fam|kakamuk kati|kov|kul|kuo|kwi|maa|maalis|mac|maj|mar|mars|març|mas|"
        "mat|maw|mayrnt|maʻa|mbo|meu|meɣ|mie|mop|moz|mrt|msi|màrt|márc|márta|mäe|mär|märts|mås|měr|njuk|"
        "ožu|pan|pou|puš|sad|sak|sqe|str|the|tlh|uya|vul|wer|xam|μάρ|μαρ|бер|кул|мар|нау|сак|хәажә|ӱрн|մար|"
        "מאַר|מרץ|آذار|ئاز|مار|مارت|مارس|مارٕچ|مارچ|ܐܕܪ|މާރޗް|अषाढ़|मार्च|मार्चि|मार्स|মার|মার্চ|মাৰ্চ|"
        "ਮਾਰਚ|માર્ચ|ମାର୍ଚ୍ଚ|மார்|మార్చి|ಮಾ|ಮಾರ್ಚ್|മാർ|මාර්|มี.ค|ມ.ນ|မတ်|မာတ်|လိူၼ်သီႇ|მარ|መገበ|መጋቢ|ማርች|ክብላ|"
        "ᎠᏅ|ᒪᔅ|ẹrẹ̀nà|三|三月"
    ),
    (
        "abr|afi|afr|agd|aib|aka|ape|api|apl|apr|april|apu|arv|avr|avril|avrril|awr|bal|cuoŋ|dub|dzi|d’abr|"
        "e-o|ebr|elb|eph|epr|gibl|huhti|jang|kra|kwe|kwi|lam|lî wainhka kati|mab|mat|mme|mor|nis|nîs|pae|"
        "pri|qil|see|tay|tra|tsh|yeb|ápr|éwt|ìgbé|łżë|ʻepe|απρ|апр|вшр|кві|кра|муус|мш|сәу|ապր|אַפּר|אפר|"
        "آوریل|أبر|أبريل|أفريل|ئاپرېل|اپريل|اپریل|نيسان|نیس|ܢܝܣܢ|އެޕްރީލް|अप|अप्रिल|अप्रेल|अप्रै|अप्रैल|"
        "एप्रि|एप्रिल|एप्रैल|सावोन|এপ্রি|এপ্রিল|এপ্ৰিল|ਅਪ੍ਰੈ|એપ્રિલ|ଅପ୍ରେଲ|ஏப்|ఏప్రి|ಏ|ಏಪ್ರಿ|ഏപ്രി|අප්‍රි|"
        "เม.ย|ມ.ສ|လိူၼ်ႁႃႈ|အေ|ဧပြီ|აპრ|ሚያዝ|አኀዘ|ኤፕረ|ፋጅኺ|ᎧᏬ|ᐃᐳ|四|四月"
    ),
    (
        "aru|beal|boaldyn|cam|can|cax|cèit|de maig|duu|e-k|ell|geg|gic|gul|hara|keg|khk|kvě|"
        "lih mairin kati|maa|mae|mag|mai|maig|maj|may|maz|maí|maý|me|mee|mei|mej|mey|mies|moj|mot|mud|máj|"
        "môj|mē|sha|shu|sup|svi|tai|touko|şu|μάι|μαΐ|ага|лаҵ|май|мам|мая|мај|тра|ыам|մայ|מאי|מײַ|أيار|"
        "ئای|مئی|ماي|مايو|مه|مي|مٓی|میٔ|مۍ|ܐܝܪ|މެއި|भादो|मई|मे|मेई|মে|ਮਈ|મે|ମଇ|மே|మే|ಮೇ|മേയ്|මැයි|พ.ค|ພ.ພ|"
        "မေ|လိူၼ်ႁူၵ်း|მაი|ሜይ|ክቢቅ|ግንባ|ግንቦ|ᎠᏂ|ᒪᐃ|ẹ̀bibi|五|五月"
    ),
    (
        "birž|brá|bėr|chn|cze|czy|de juny|djn|eka|geas|giu|haz|hez|hun|iun|iyn|iýn|iġñ|i̇yn|jan|jen|jon|"
        "jug|juin|jun|junh|juni|juny|juu|juuni|jún|jūn|kam|kesä|kho|kor|lip|lix|lwi|làm|lî kati|m-souree|"
        "meh|meith|met|mezh|nhl|nip|o-a|pipi|qas|qer|see|sil|sun|suw|teg|tsp|vos|wax|xun|xuñ|yun|yün|zin|"
        "zûg|ògmh|òkúdu|čen|čer|ġun|şĕr|ιουν|ιούν|бэс|июн|июнь|мау|пдш|рашә|чер|чэр|юни|јун|հնս|יונ|ئىيۇن|"
        "جوان|جون|جوٗن|حزيران|حوز|يون|يونيو|ژوئن|ܚܙܝܪܢ|ޖޫން|आसिन|जुन|जून|जूनि|জুন|ਜੂਨ|જૂન|ଜୁନ|ஜூன்|జూన్|ಜೂ|"
        "ಜೂನ್|ജൂൺ|ජූනි|มิ.ย|ມິ.ຖ|ဂျုန်|ဇွန်|လိူၼ်ၸဵတ်း|ივნ|ም/ት|ሠንየ|ሰነ|ጁን|ᏕᎭ|ᔪᓂ|六|六月"
    ),
    (
        "a-k|ado|agẹmọ|arg|chl|de jul|djl|gor|gou|hei|heinä|hul|hōngoi|itc|iuch|iul|iyl|iúil|iýl|i̇yl|"
        "j-souree|jak|jiy|jol|jui|juil|jul|juli|juuli|júl|jūl|kha|kho|kor|kun|lai|liep|lip|lug|lui|lul|lwa|"
        "lëp|lûg|maw|mor|nya|pastara kati|phu|qad|siu|srp|sul|suoi|tem|tod|tqw|tîr|upu|ută|uzt|xnt|xul|yul|"
        "yül|zil|čec|ιουλ|ιούλ|июл|июль|лип|ліп|от|срм|шіл|юли|јул|ԥхынгә|հլս|יול|ئىيۇل|تموز|تەم|جولاءِ|"
        "جولائی|جولاي|جولای|جويلية|جوٗلایی|يول|يوليو|يوليوز|ژوئیه|ܬܡܘܙ|ޖުލައި|कातिक|जुल|जुला|जुलाइ|जुलाई|"
        "जुलै|जुल॰|जूलाइ|जूलै|জুল|জুলাই|ਜੁਲਾ|જુલાઈ|ଜୁଲାଇ|ஜூலை|జులై|ಜು|ಜುಲೈ|ജൂലൈ|ජූලි|ก.ค|ກ.ລ|ဂျူ|ဇူ|"
        "လိူၼ်ပႅတ်ႇ|ივლ|ሐመለ|ሓምለ|ኰር|ጁላይ|ᎫᏰ|ᔪᓚ|七|七月"
    ),
    (
        "abu|ag|aga|ago|agt|agu|aog|aok|aoû|août|arh|aug|aus|avg|avo|avq|awg|awo|aws|awu|aww|ağu|aŭg|borg|"
        "ct̓é|d-ɔ|d’ag|elo|eos|est|gsh|hag|here|juk|kan|kol|leq|luanistyn|lùna|lún|mha|ngc|ngu|oga|ogos|"
        "ogs|oug|out|pai|pha|rgp|rugp|sid|sie|sikla kati|srp|teb|thu|tiñ|uut|win|yag|zél|ágú|ògún|ögu|öig|"
        "şur|žni|ɣuc|ʻaok|αυγ|αύγ|авг|атыр|жні|нанҳә|сер|срл|там|օգս|אוג|אױג|آب|آقۇست|آگسٽ|أغس|أغسطس|أوت|"
        "ئاب|ئاۋغۇست|اوت|اګست|اگست|غشت|ܐܒ|އޮގަސްޓް|अग|अगस्ट|अगस्त|अगहन|अग॰|आगस्टु|आगस्थ|ऑग|ओगस्ट|আগ|আগস্ট|"
        "ਅਗ|ઑગસ્ટ|ଅଗଷ୍ଟ|ஆக|ఆగ|ಆ|ഓഗ|අගෝ|ส.ค|ສ.ຫ|လိူၼ်ၵဝ်ႈ|အဝ်|ဩ|აგვ|ማርያ|ነሐሰ|ነሓሰ|ኦገስ|ᎦᎶ|ᐊᒋ|ọgọ|八|八月"
    ),
    (
        "ami|avă|cab|chi|cte|cut|dait|de set|eyl|f-ɛ|ful|gwe|gwn|her|ira|khu|leo|lwe|m-fouyir|mahu|med|"
        "mfómh|msi|ndz|nyo|nze|owewe|qel|rugs|ruj|sag|sat|seb|sen|sep|sept|set|sht|sie|sin|sip|sit|slt|stb|"
        "sult|syys|szept|sèp|séw|tah|vie|way|wrz|wîs kati|zář|îlo|čakč|σεπ|бал|вер|идм|сен|сент|сеп|цәыб|"
        "қыр|սեպ|סעפּ|ספט|أيلول|ئەی|سبت|سبتمبر|ستمبر|سيپٽيمبر|سپتامبر|سپتمبر|سېنتەبىر|شتنبر|ܐܝܠܘܠ|"
        "ސެޕްޓެންބަރ|पूस|सप्टें|सित|सितंबर|सितम्बर|सित॰|सेप्टेंबर|सेप्टेंबरू|सेप्टेम्बर|सेबथेज्ब़र|সেপ|"
        "সেপ্ট|সেপ্টেম্বর|ਸਤੰ|સપ્ટે|ସେପ୍ଟେମ୍ବର|செப்|సెప్టెం|ಸೆ|ಸೆಪ್ಟೆಂ|സെപ്റ്റം|සැප්|ก.ย|ກ.ຍ|စက်|"
        "လိူၼ်သိပ်း|သိပ်|სექ|መስከ|ሴፕቴ|ከረመ|ያኸኒ|ᏚᎵ|ᓯᑎ|九|九月"
    ),
    (
        "cot|dfómh|dip|dit|dwa|dàmh|d’oct|eki|golg|hed|her|hyd|imp|ipam|j-fouyir|jup|kas|kṭu|lad|lis|loka|"
        "mph|nhl|och|oct|oke|oki|okt|onk|ott|otu|out|paź|phe|puk|ruj|sik|spa|spal|tet|tob|tsh|tub|ukt|ukw|"
        "urr|waupasa kati|whi-nu|wél|wím|yar|ökt|ött|ükt|říj|ɔ-a|ɔtb|ʻoka|οκτ|алт|жов|жьҭ|кас|окт|шыж|қаз|"
        "հոկ|אָקט|אוק|آڪٽوبر|أكت|أكتوبر|ئۆكتەبىر|اكتبر|اكتوبر|اوْکتوْبر|اکتوبر|اکتوٗبر|تشرين الأول|܏ܬܫ ܏ܐ|"
        "އޮކްޓޫބަރ|अकटू|अक्टू|अक्टूबर|अक्टोबर|अक्तूबर|अक्तू॰|अखथबर|आक्टूबरू|ऑक्टो|ओक्टोबर|माघ|অক্টো|"
        "অক্টোবর|ওক্ত|ਅਕਤੂ|ઑક્ટો|ଅକ୍ଟୋବର|அக்|అక్టో|ಅ|ಅಕ್ಟೋ|ഒക്ടോ|ඔක්|ต.ค|ຕ.ລ|လိူၼ်သိပ်းဢဵတ်း|အောက်|အံက်|"
        "ოქტ|መተሉ|ኦክተ|ጠቀመ|ጥቅም|ᏚᏂ|ᐊᑦ|ọkt|ọ̀wàrà|十|十月"
    ),
    (
        "aza|bélú|cük|de nov|du|huk|jol|kas|kit|kun|lap|lapkr|lis|lwe|lës|m.houney|marras|mij|ngw|nip|nka|"
        "nob|nof|nov|now|noy|noý|nuv|nuw|nvb|nën|nóv|nôv|nöw|nōv|onn|pay|phai|pud|sad|samh|shin|skáb|stu|"
        "tach|ugu|usi|wam|whi-ra|win|xim|yahbra kati|ɔ-o|νοέ|νοε|абҵ|клм|лис|ліс|нов|ное|ноя|нояб|сэт|қар|"
        "նմբ|נאָװ|נוב|تشرين الثاني|نوامبر|نوف|نوفمبر|نومبر|نونبر|نويابىر|نوْوامبر|܏ܬܫ ܏ܒ|ނޮވެންބަރ|"
        "नबेज्ब़र|नव|नवंबर|नवंबरू|नवम्बर|नव॰|नोभेम्बर|नोव्हें|नोव्हेंबर|फागुन|নবে|নভে|নভেম্বর|ਨਵੰ|નવે|"
        "ନଭେମ୍ବର|நவ|నవం|ನ|ನವೆಂ|നവം|නෙවැ|พ.ย|ພ.ຈ|နဝ်|နို|လိူၼ်သိပ်းသွင်|ნოე|ሕዳር|ም/ም|ኀደረ|ኖቬም|ᏅᏓ|ᓄᕕ|ḽar|十一|"
        "十一月"
    ),
    (
        "abe|ara|avi|bow|chr|de des|dec|dek|des|dets|dez|dhj|dic|dik|dis|dix|diċ|dsb|duj|déc|dùbh|grd|gru|"
        "gruod|gòd|haki|joulu|juov|kan|kax|ker|kev|lit|m-ɔ|m.nollick|mati|mng|mud|mux|n'w|nad|ngo|noll|nye|"
        "pro|raš|rha|ris|sak|sed|siq|tes|tet|tis|trisu kati|tsh|tīs|uku|śni|δεκ|ахс|гру|дек|дец|жел|сне|"
        "тел|ԥхынҷ|դեկ|דעצ|דצמ|دجنبر|دسامبر|دسمبر|ديس|ديسمبر|دېكابىر|كانون الأول|ڊسمبر|܏ܟܢ ܏ܐ|ޑިސެންބަރ|"
        "चैति|डिसें|डिसेंबर|डिसेम्बर|दिस|दिसंबर|दिसम्बर|दिसेज्ब़र|दिस॰|ॾिसंबरू|ডিস|ডিসে|ডিসেম্বর|ਦਸੰ|ડિસે|"
        "ଡିସେମ୍ବର|டிச|డిసెం|ಡಿ|ಡಿಸೆಂ|ഡിസം|දෙසැ|ธ.ค|ທ.ວ|ဒီ|ဒဳ|လိူၼ်ၸဵင်|დეკ|ተሕሳ|ታሕሳ|ኀሠሠ|ዲሴም|ᎥᏍ|ᑎᓯ|ọ̀pẹ̀|十二|"
        "十二月"
    ),
)


def _plain(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold().rstrip(".,")


_ANY = tuple(range(1, 13))


@cache
def _months() -> dict[str, tuple[int, ...]]:
    """Return the numbers by word; a log in English never asks for them."""
    months: dict[str, tuple[int, ...]] = {}
    for number, words in enumerate(_NAMES, 1):
        for word in words.split("|"):
            months[word] = (*months.get(word, ()), number)
    return months


def months_of(word: str) -> tuple[int, ...]:
    """Return the numbers of the months that *word* may be: one where it is known, up to all where it is not.

    A number within it is the month's: ``12月``.
    """
    # Octets of another encoding come as escapes, which may hold digits.
    if digits := re.search(r"\d{1,2}", re.sub(r"\\x[0-9a-f]{2}", "", word)):
        return (int(digits[0]),) if 1 <= int(digits[0]) <= 12 else ()
    return _months().get(_plain(word), _ANY)
