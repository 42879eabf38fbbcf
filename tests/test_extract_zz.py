import json, time, collections
from pathlib import Path
from sqlalchemy import text
from magodoo.pipeline import extract, reconcile, refresh
import sys
sys.path.insert(0, str(Path(__file__).parent))
from pair import seeded_pair
def test_it(tmp_path, staging_url):
    with seeded_pair(tmp_path, staging_url, orders=60) as pair:
        ctx=pair.context()
        t=time.time(); print(extract.run(ctx,"magento")); print(time.time()-t)
        t=time.time(); print(extract.run(ctx,"odoo")); print(time.time()-t)
        with ctx.engine.connect() as c:
            print(c.execute(text("select side,kind,count(*),count(order_key),count(*) filter (where not sound),count(*) filter (where details ? 'without_order') from document group by 1,2 order by 1,2")).all())
            print(c.execute(text("select side,kind,role,count(*),count(item_key) from line group by 1,2,3 order by 1,2,3")).all())
            print(c.execute(text("select side,kind,source_id,number,reference,other_references,customer_email,grand_total,state from document where order_key is null")).all())
            print(c.execute(text("select * from quarantine")).all())
            print(c.execute(text("select * from watermark")).all())
        t=time.time(); print(reconcile.run(ctx)); print(time.time()-t)
        with ctx.engine.connect() as c:
            found=c.execute(text("select type,kind,coalesce(magento_number,odoo_number,magento_id,odoo_id),magento_amount,odoo_amount,message from finding where resolved_at is null")).all()
        planted=collections.Counter((p.type,p.kind,p.document) for p in pair.manifest.planted)
        got=collections.Counter((f[0],f[1],f[2]) for f in found)
        print("MISSING", len(planted-got)); [print("  ",x,[ (p.magento_amount,p.odoo_amount) for p in pair.manifest.planted if (p.type,p.kind,p.document)==x]) for x in (planted-got)]
        print("EXTRA", len(got-planted)); [print("  ",x, [f[3:] for f in found if f[:3]==x]) for x in (got-planted)]
