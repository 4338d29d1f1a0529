"""The words by which sentences promise, in the languages of the templates: that somebody binds themselves, and to what.

Tables of regular expressions, read by ``crisis.promising``. ``BINDS``: we, or something of ours, will; ``WHAT``: the kinds
of promise, in the order in which they are looked for; ``NOT``: the sentence says that nothing is promised, tells of a
promise of somebody else, asks, or puts it under a condition that is open.
"""

BINDS: dict[str, str] = {
    "en": r"""
        \b(?:will|shall)\b|\b(?:we|you|it|i|they|who)'ll\b|\b(?:is|are|am|'re|'s)\sgoing\sto\b
        |\b(?:we|our\s\w+)\s(?:promise|commit|guarantee|pledge|undertake|aim\sto|intend\sto|plan\sto|hope\sto)\b
        |\bwe\sexpect\s(?:\w+\s){0,6}?(?:to\sbe|by|back|within)\b|\bexpect\s(?:\w+\s){0,3}(?:update|news|fix|refund)
        |\bshould\sbe\b.{0,60}\b(?:by|within|before)\b
        |\b(?:next|another|further|our)\s(?:\w+\s){0,2}?(?:update|news|bulletin|briefing|post|
        report)\b(?:\s\w+){0,3}?\s*
          (?:comes?|follows?|by|at|on|before|within|in|due|:|tomorrow|tonight|shortly|soon)
        |\bmore\s(?:to\sfollow|to\scome|(?:news|details|information)\s(?:comes?|follows?|by|at|on|before|within|in|
          to\sfollow|tomorrow|shortly|soon))\b
        |\b(?:review|inquiry|audit|investigation|repairs?|refunds?|recall|replacements?|payments?)\s(?:starts?|
        begins?|
          opens?|follows?)\b
        |\b(?:everyone|everybody|each\s\w+|every\s\w+|customers|passengers|all\s\w+)\b.{0,50}\b(?:gets?|receives?)\b
        |\b(?:we\sare|we're)\s(?:(?:also|now)\s)?(?:refunding|replacing|repaying|compensating|crediting|
        contacting|calling|
          writing\sto|reaching\sout|giving|offering|recalling|sending|paying|posting|publishing|setting\sup|opening)\b
    """,
    "de": r"""
        \b(?:werden|wird|werde|wirst|werdet)\b|\bwir\s(?:melden|informieren|erstatten|ersetzen|kontaktieren|rufen|
        schreiben|prüfen|untersuchen|veröffentlichen|beheben|
          antworten|berichten|versprechen|reparieren|entschädigen|halten|geben|setzen|zahlen)\b|\b(?:melden|
          informieren|erstatten|veröffentlichen|zahlen|prüfen|geben|berichten)\swir\b
        |\b(?:erhalten|erhältst|bekommen|bekommst)\s(?:sie|du|ihr|alle)\b|\b(?:sie|du|ihr|alle\s\w+|
        kundinnen\sund\skunden|betroffene)\s(?:erhalten|bekommen|erhältst|bekommst|hören|hörst)\b
        |\b(?:überweisen|tauschen|kommen|sagen|legen|ersetzen|gehen|übernehmen|sorgen|stellen|bieten|bezahlen|
        rufen|schicken|senden)\swir\b
        |\bwir\s(?:überweisen|tauschen|übernehmen|sorgen|stellen|bieten|schicken|senden|sagen)\b
        |\b(?:unser|ein|eine|unsere)\s\w+\s(?:meldet|melden|prüft|untersucht|ruft)\b
        |\bwir\slassen\b|\b(?:läuft|laufen|funktioniert|funktionieren|steht|stehen|ist|sind)\b.{0,40}\bwieder\b
        |\b(?:alle\w*|jede\w*)\b.{0,60}\b(?:erhält|erhalten|bekommt|bekommen)\b|
        \bnächste[rsn]?\s(?:\w+\s)?(?:update|mitteilung|meldung|information|stand|bericht)\b|\b(?:folgt|folgen)\b
    """,
    "fr": r"""
        \b(?:nous|on|je)\s(?:(?:vous|les|le|la|y|en|leur|l['’])\s?){0,2}\w+(?:rons|ra|rai)\b|\b(?:nous|
        on)\s(?:(?:vous|les)\s)?(?:allons|va)\s\w+
        |\b(?:va|vont|allons)\s\w+(?:er|ir|re)\b|\b\w+(?:ront|ra|rez)\b|\bprochaine?\s(?:mise\sà\sjour|
        communication|information|point|nouvelle)\b|
        \bnous\snous\sengageons\b|\bnous\spromettons\b
        |\bnous\s(?:vous\s)?(?:remboursons|contactons|informons|tenons)\b
    """,
    "es": r"""
        \b\w+(?:remos|aremos|eremos|iremos)\b|\bvamos\sa\s\w+|\b\w+(?:rá|rán|rás|réis)\b|
        \bpróxim[ao]\s(?:actualización|información|comunicado|informe|noticia)\b
        |\bnos\scomprometemos\b|\bprometemos\b|\b(?:le|te|les|os)\s(?:reembolsamos|devolvemos|informamos|
        contactamos)\b
    """,
    "ja": r"""
        いたします|致します|します|させます|行います|申し上げます|差し上げます|予定です|お約束|次回|
        次の(?:お知らせ|ご案内|更新)
    """,
    "ar": r"""
        سوف|(?<!\w)(?:و)?س(?:ن|ي|ت|أ)\w+|نتعهد|نعدكم|نلتزم|موعد\sتحديثنا|تحديثنا\sالتالي|التحديث\sالتالي|
        التحديث\sالقادم
    """,
}

WHAT: dict[str, tuple[tuple[str, str], ...]] = {
    "en": (
        ("update", r"""
            \b(?:next|another|further|an|our|regular|hourly|daily|new)\s(?:\w+\s){0,1}?updates?\b|
            \bupdate\s(?:you|this|everyone|our|it|the)\b
        """),
        ("refund", r"""
            \bgiv(?:e|ing)\b.{0,12}\bmoney\sback\b|\breversed?\b|
            \brefund\w*|\bmoney\sback\b|\breimburs\w+|\brepay\w*|\bpa(?:y|id)\b.{0,20}\bback\b|
            \breturn(?:ed)?\s(?:\w+\s){0,3}money\b|\bcredit(?:ed)?\s(?:\w+\s){0,3}(?:account|bill|card)
        """),
        ("compensation", r"""
            \bhotels?\b.{0,20}\bbills?\b|\boff\s(?:its|your|their|the\snext)\sbill\b|\bcredit\smonitoring\b|
            \bat\sno\scost\b|\bon\sus\b|
            \bcompensat\w+|\bvouchers?\b|\bgoodwill\b|\bfree\s(?:\w+\s)?(?:month|year|week|monitoring|credit|
            delivery|replacement\sof)|\bdiscount\b|\bcover(?:ed)?\s(?:\w+\s){0,3}(?:costs?|losses|expenses)|
            \bpa(?:y|id)\s(?:\w+\s){0,3}(?:costs?|losses|expenses|for)|\bmake\sit\sup\b
        """),
        ("repair", r"""
            \brecalling\b|\bon\sagain\b|\brunning\b.{0,10}\bagain\b|\bexchang\w+|
            \bfix(?:ed|es)?\b|\brepair\w*|\brestor\w+|\bback\s(?:up|online|to\snormal|in\sservice|on)\b|
            \bresolv\w+|\bpatch\w*|\breplac\w+|\brecall\w*|\bput\s(?:it|this|that|things)\sright\b|
            \bworking\sagain\b|\brunning\sagain\b|\bcorrect(?:ed)?\s(?:the|this|it|our|every)|\bsolv\w+|
            \bremov(?:e|ed)\b|\btake(?:n)?\sdown\b|\bdelet\w+|\brepaired\b|\bresume\b|\breopen\b
        """),
        ("review", r"""
            \bcheck(?:ed)?\b|\bgo\sthrough\b|\bauditors?\b|
            \breview\w*|\binvestigat\w+|\baudit\w*|\binquiry\b|\broot\scause\b|\bpost-?mortem\b|
            \blook(?:ing)?\sinto\b|\bexamin\w+|\bfindings\b|\bfind\sout\b|\bindependent\b|\bassess\w*|
            \btest(?:ed)?\s(?:every|all|each)
        """),
        ("contact", r"""
            \bin\stouch\b|\breaching\sout\b|\ban\se-?mail\b|
            \bcontact(?:ed|ing)?\b|\bcall(?:ed|ing)?\b|\bwrit(?:e|ten|ing)\sto\b|\be-?mail(?:ed)?\b|
            \breach(?:ed)?\sout\b|
            \bget(?:ting)?\s(?:in\stouch|back\sto)\b|\brepl(?:y|ies)\b|\banswer(?:ed)?\b|\bnotif(?:y|ied)\b|
            \bphone[d]?\b|\ba\s(?:personal\s)?(?:letter|message|call|text)\b|\bspeak\s(?:to|with)\s(?:each|
            every|all|those|you)
        """),
        ("update", r"""
            \bupdates\b|\bmore\sto\s(?:follow|come)\b|\btake\squestions\b|
            \bupdates?\b|\bnews\b|\bbulletin\b|\bbriefing\b|\breport\b|\blet\syou\sknow\b|\btell\s(?:you|people|
            everyone)\b|\bkeep\s(?:you|everyone|people)\s(?:\w+\s)?(?:informed|posted|updated|up\sto\sdate)\b|
            \bshar(?:e|ed)\b|\bspeak\sagain\b|\bpost(?:ed)?\b|\bhear\b|\binform\w*|\bpublish\w*|\bsay\smore\b|
            \bmore\s(?:details|information)\b|\bannounce\w*|\bstatement\b|\bback\s(?:here\s)?(?:with|by|at|on)\b
        """),
    ),
    "de": (
        ("update", r"""
            \b(?:nächste|weitere)\w*\s(?:\w+\s)?(?:updates?|mitteilung|meldung|information\w*|stand|bericht)\b|
            \bmelden?\b.{0,30}\b(?:wieder|erneut)\b|\bwir\smelden\suns\b|\bmelden\swir\suns\b
        """),
        ("refund", r"""
            \b(?:überweis\w+|zahl\w+|buch\w+)\b.{0,60}\bzurück\b|
            \berstatt\w+|\bgeld\b.{0,40}\b(?:zurück|wieder)\b|\bzurückzahl\w+|\brückzahl\w+|\bgutschreib\w+|
            \bzahlen\b.{0,40}\bzurück\b
        """),
        ("compensation", r"""
            \bkommen\swir\b.{0,30}\bauf\b|\baufkommen\b|
            \bentschädig\w+|\bgutschein\w*|\bgutschrift\w*|\bkosten\b.{0,30}\b(?:übernehm\w+|übernommen)|
            \bübernehmen\b.{0,30}\bkosten\b|\bkostenlos\w*|\bwiedergutmach\w+|\bschadenersatz|\brabatt\w*
        """),
        ("repair", r"""
            \btausch\w+|\bbehoben\b|
            \bbehob\w+|\bbeheb\w+|\brepar\w+|\bwiederherst\w+|\bwiederhergestellt\b|\bersetz\w+|
            \baustausch\w*|\bausgetauscht\b|\brückruf\w*|\bzurückruf\w*|\b(?:läuft|laufen|funktioniert|
            funktionieren)\b.{0,40}\bwieder\b|\bwieder\s(?:online|verfügbar|
            erreichbar|laufen|funktionieren)|\bkorrigier\w+|\bgelöst\b|\bgelöscht\b|\blöschen\b|
            \bin\sordnung\sbringen\b|\bentfern\w+
        """),
        ("review", r"""
            \b(?:über)?prüf\w+|\buntersuch\w+|\baudit\w*|\bgutacht\w+|\bursachen?\b|\bunabhängig\w+|
            \baufklär\w+|\bergebnis\w*|\baufarbeit\w+|\baufgearbeitet
        """),
        ("contact", r"""
            \bmeldet\ssich\b|\bpersönlich\b|
            \bkontaktier\w+|\banruf\w*|\brufen\b|\bangerufen\b|\bschreiben\b|\bangeschrieben\b|
            \bbenachrichtig\w+|\bin\sverbindung\b|\bmelden\suns\s(?:bei|persönlich)\b|\bantwort\w*|
            \bbeantwort\w+|\beine\s(?:e-?mail|nachricht|sms)\b|\bkontakt\b
        """),
        ("update", r"""
            \bsagen\swir\b|\bbericht\b|\blegen\swir\b|\berfahren\b|
            \bupdates?\b|\binformier\w+|\bmitteil\w+|\bmelden\b|\bberichten\b|\bveröffentlich\w+|
            \bauf\sdem\slaufenden\b|\bbekannt\s?geb\w+|\bbekannt\b|\bneuigkeiten\b|\bweitere\s(?:informationen|
            details)|\bhören\svon\suns\b|\bhörst\b|\bbescheid\b
        """),
    ),
    "fr": (
        ("update", r"""
            \bprochaine?\s(?:mise\sà\sjour|communication|information|point|nouvelle)\b|\bmises?\sà\sjour\b|
            \breprendrons\sla\sparole\b
        """),
        ("refund", r"\brembours\w+|\brendrons\b.{0,20}\bargent\b|\brecrédit\w+"),
        ("compensation", r"""
            \bindemnis\w+|\bdédommag\w+|\bbons?\sd['’]achat\b|\bavoir\sde\b|\bgratuit\w*|
            \bprendrons\sen\scharge\b|\bcompens\w+|\bprendr\w+\sen\scharge\b|\bgeste\scommercial\b|\bremise\b
        """),
        ("repair", r"""
            \brépar\w+|\brétabli\w*|\bremplac\w+|\bcorrig\w+|\brappel\w+\sles\sproduits\b|
            \bde\snouveau\s(?:disponible|en\sligne|accessible)|\brésou\w+|\bremettr\w+\sen\s|
            \brappellerons\stous\sles\s(?:produits|lots)\b|\bretir\w+|\bsupprim\w+
        """),
        ("review", r"""
            \bau\scrible\b|\bcabinet\b|\bexpert\w*|
            \benquêt\w+|\baudit\w*|\bexamin\w+|\bvérifi\w+|\brapport\b|\bcauses?\b|\bindépendant\w*|
            \brésultats\b|\banalys\w+
        """),
        ("contact", r"""
            \bcontact\w+|\bappel\w+|\brappel\w+|\bécri\w+|\brépond\w+|\bpréviend\w+|\bjoindr\w+|
            \bun\s(?:e-?mail|courriel|message|sms|courrier)\b|\bavert\w+
        """),
        ("update", r"""
            \binform\w+|\btiendrons\b|\bcommuniqu\w+|\bpubli\w+|\bpartager\w+|\bnouvelles\b|\bdirons\b|
            \bferons\s(?:le|un)\s(?:\w+\s)?point\b|\bferons\ssavoir\b|\breviendrons\b|\bannonc\w+|
            \bau\scourant\b
        """),
    ),
    "es": (
        ("update", r"""
            \bpróxim[ao]\s(?:actualización|información|comunicado|informe|noticia)\b|
            \bvolveremos\sa\s(?:informar|comunicar|hablar)\b|\bactualiz\w+
        """),
        ("refund", r"""
            \bdinero\sde\svuelta\b|\bsu\sdinero\b|\breembols\w+|\bdevol(?:ver|uc)\w*|\bdevolveremos\b|
            \breintegr\w+|\babon(?:ar|o)\w*\s
        """),
        ("compensation", r"""
            \bpagaremos\b|
            \bindemniz\w+|\bcompens\w+|\bvales?\b|\bcupón\w*|\bgratis\b|\bgratuit\w+|\bcubrir\w+|
            \basumir\w+\s.{0,20}(?:costes?|gastos|costos)|\bdescuento\b|\bresarcir\w*
        """),
        ("repair", r"""
            \bfuncionar\w+|\bnormalidad\b|
            \brepar\w+|\brestablec\w+|\bsustitu\w+|\breemplaz\w+|\bcorreg\w+|\bresolver\w*|\bsolucion\w+|
            \bretirar\w+|\bde\snuevo\s(?:disponible|en\slínea)|\brestaur\w+|\barregl\w+|\beliminar\w+
        """),
        ("review", r"""
            \brevis\w+|\binvestig\w+|\bauditor\w+|\bexamin\w+|\bcausas?\b|\bindependiente\w*|\bresultados\b|
            \banaliz\w+|\bverific\w+
        """),
        ("contact", r"""
            \bcontact\w+|\bllamar\w+|\bescribir\w+|\bresponder\w+|\bnotific\w+|\bavis\w+|\bcorreo\b|\bmensaje\b|
            \bsms\b|\bcarta\b|\bcontest\w+
        """),
        ("update", r"""
            \bdaremos\b|\bmás\sdatos\b|\binformad[oa]s\b|
            \binform\w+|\bcomunic\w+|\bpublic\w+|\bcompartir\w+|\bnovedades\b|\bcontar\w+|\bal\s(?:tanto|
            corriente)\b|\bnoticias\b|\banunci\w+|\bmás\s(?:detalles|información)\b
        """),
    ),
    "ja": (
        ("update", r"次回|次の(?:お知らせ|ご案内|更新)|続報"),
        ("refund", r"お返し|返金|払い戻|ご返却|返還"),
        ("compensation", r"補償|賠償|お詫びの品|クーポン|無償|無料|割引|負担"),
        ("repair", r"修理|修正|復旧|交換|回収|再開|解消|対応を完了|削除|撤去"),
        ("review", r"調査|検証|監査|原因|点検|第三者|究明|見直"),
        ("contact", r"ご連絡|お電話|お問い合わせに|返信|ご回答|個別に|メールを|お手紙|ご返答"),
        ("update", r"お知らせ|ご報告|公表|ご案内|発表|更新|お伝え|公開|ご説明"),
    ),
    "ar": (
        ("update", r"تحديثنا|التحديث|تحديثا|تحديث"),
        ("refund", r"""
            ستسترد|تسترد|
            استرداد|رد\s(?:المبلغ|الأموال|أموال)|نعيد\s.{0,20}(?:أموال|المبالغ|المبلغ)|إعادة\s(?:المبلغ|المبالغ|
            أموال)|سنرد|نرد\s
        """),
        ("compensation", r"تعويض|سنعوض|نعوض|قسيمة|قسائم|مجان|خصم|نتحمل|سنتحمل"),
        ("repair", r"""
            إصلاح|نصلح|سنصلح|استعادة|استبدال|نستبدل|سنستبدل|تعود|ستعود|حل\s(?:هذه|المشكلة)|سحب|نسحب|حذف|
            سنحذف|إزالة|سنزيل
        """),
        ("review", r"تحقيق|نحقق|سنحقق|مراجعة|نراجع|سنراجع|تدقيق|أسباب|سبب|مستقل|نتائج|فحص|سنفحص"),
        ("contact", r"سيتصل|يتصل|شخصيا|نتصل|سنتصل|نتواصل|سنتواصل|نراسل|سنراسل|نرد\sعلى|سنجيب|رسالة|نبلغ|سنبلغ|إبلاغ"),
        ("update", r"سنبقيكم|اطلاع|مستجدات|نعلن|سنعلن|ننشر|سننشر|نطلع|سنطلع|نعلم|سنعلم|نخبر|سنخبر|معلومات|إبقائ|سنشارك|تفاصيل"),
    ),
}  # fmt: skip

NOT: dict[str, str] = {
    "en": r"""
        \b(?:will|shall|can|do|are)\s(?:never|not)\b(?!\s(?:run|happen|charge|repeat)\b)|\bwon't\b|\bcan't\b|
        \bcannot\b|\bdon't\b|\baren't\b|
        \bif\sand\swhen\b|\bwhether\b|\bno\s(?:refund|compensation)|\bunable\b|\bmight\b|\bmay\s(?:be|not|need)\b|
        \bonly\sif\b
        |\b(?:ask(?:s|ed|ing)?|wonder(?:s|ed)?|know|unclear|decide[sd]?)\s(?:us\s)?(?:when|how|if|who)\b|\?\s*$|
        ^\s*["“«].*["”»]\.?$|\b(?:would|promised|claims?|claimed|rumours?|rumors?)\b|\bnever\b
        |\b(?:police|regulator|authorit(?:y|ies)|bank|supplier|airline|airport|court|ministry|government|
        provider)\s(?:\w+\s)?(?:will|shall)\b|\bwe\swill\sall\b|\bplease\b.*\buntil\b
        |\bto\s(?:get|receive|have|claim)\s(?:a|your)\s(?:refund|voucher)\b|\bas\slong\sas\b|\bweather\b|
        \bprices?\swill\b|\bstock\b|\bno\s\w+\swill\b|\bnothing\b|\bwe\sare\ssorry\b
    """,
    "de": r"""
        \b(?:nicht|nie|niemals|gerade|derzeit|zurzeit|kein\w*|ob|würden?|wurden?|falls|vielleicht|möglicherweise|könnten?|versprachen|
        hatten|angeblich)\b|\?\s*$|^\s*[„"].*[“"]\.?$|\b(?:polizei|behörde\w*|bank|lieferant|flughafen|
        wetter)\s(?:wird|werden)\b
    """,
    "fr": r"""
        \bne\s\w+\s(?:pas|jamais|aucun|rien)|\bn['’]\w+\s(?:pas|jamais|aucun)|\b(?:si|peut-être|aurait|
        pourrait|pourrions|avions|avait|prétend\w*)\b|\?\s*$|^\s*[«"].*[»"]\.?$|\b(?:police|autorités?|banque|
        fournisseur|météo)\s\w+ra\b
    """,
    "es": r"""
        \b(?:no|nunca|jamás|si|quizás?|tal\svez|habría\w*|podría\w*|habíamos|aseguran|dicen)\b(?!\s(?:haya|hay|
        tenemos|tengamos)\s(?:novedades|nada))|\?\s*$|^\s*[«"¿].*[»"]\.?$|\b(?:policía|autoridad\w*|banco|
        proveedor)\s\w+rá\b
    """,
    "ja": r"""
        しません|いたしません|致しません|できません|できかねます|ありません|か[?？。]?$|でしょうか|かどうか|しました|いたしました|ておりました|お約束していた|でした|警察(?:は|が)|お願い(?:いた|致)?します|
        お待ちください|ください|と(?:いう|の)噂|申し訳|(?:お詫び|おわび)(?:を)?(?:いたします|申し上げます)
    """,
    "ar": r"""
        لن\s|لا\s(?:نستطيع|يمكن|نعد|نعرف|نعلم)|ربما|قد\s|لم\s|هل\s|[?؟]\s*$|الشرطة\sس|السلطات\sس|
        إذا\sكان\sالأمر|كنا\s
    """,
}  # fmt: skip

ALLOWED: dict[str, str] = {
    "en": r"""
        ,?\s(?:even|also|including)?\s?(?:if|when|though)\s(?:we|there|it|nothing|you).*$|
        ,?\s*(?:even\s)?if\swe\shave\snothing.*$|^if\s[^,]+,\s
    """,
    "de": r",?\s*(?:auch|selbst)\swenn.*$|^(?:wenn|falls|sollten)\s[^,]+,\s",
    "fr": r",?\s*même\ss.*$|^si\s[^,]+,\s",
    "es": r",?\s*(?:aunque|incluso\ssi).*$|^si\s[^,]+,\s",
    "ja": r"^[^、]*(?:ない|なくて?)(?:場合)?でも、?|^(?:新しい情報がない場合でも)、?",
    "ar": r"،?\s*حتى\s(?:إن|لو).*$|^إذا\s[^،]+،\s",
}  # fmt: skip
"""Clauses that are set aside before ``NOT`` is asked: “even if we have nothing new” takes nothing back, and “If you are
affected, …” says for whom the promise is."""
